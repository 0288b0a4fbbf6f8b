import type { Commands } from '../changes/commands.js';
import type { Config } from '../config.js';
import type { FileSource } from '../files/file.js';
import { confirmSubscription } from '../http/events-confirmation.js';
import type { EventsRouteDeps } from '../http/events-route.js';
import type { Identity } from '../http/identity.js';
import type { UploadRouteDeps } from '../http/upload-route.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface FileChangeParts {
  readonly fileSource: FileSource;
  readonly commands: Commands;
  readonly identity: Identity;
  readonly metrics: Metrics;
}

/** The routes by which files change, or are told to have changed. */
export function fileChanges(
  { files }: Config,
  { fileSource, commands, identity, metrics }: FileChangeParts,
): { uploads: UploadRouteDeps; events: EventsRouteDeps } {
  return {
    uploads: {
      viewerOf: async ({ headers }) => (await identity.callerOf(headers.authorization)).viewer,
      head: (path) => fileSource.head(path),
      commandsOf: (viewer) => commands.of(viewer, metrics),
      uploadMax: files.uploadMax,
    },
    events: {
      identity,
      secrets: files.eventSecrets ?? [],
      ...(files.source.kind === 's3' && { bucket: files.source.bucket }),
      commands: commands.of({ role: 'service', subject: 'events of the file store' }, metrics),
      confirm: confirmSubscription,
    },
  };
}
