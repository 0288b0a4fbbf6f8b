import type { FastifyRequest } from 'fastify';
import type { Viewer } from '../access/viewer.js';
import type { Commands } from '../changes/commands.js';
import type { Config } from '../config.js';
import type { FileSource } from '../files/file.js';
import { confirmSubscription } from '../http/events-confirmation.js';
import type { EventsRouteDeps } from '../http/events-route.js';
import type { Sessions } from '../http/sessions.js';
import type { UploadRouteDeps } from '../http/upload-route.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface FileChangeParts {
  readonly fileSource: FileSource;
  readonly commands: Commands;
  readonly sessions: Sessions;
  readonly metrics: Metrics;
}

/** The routes by which files change, or are told to have changed. */
export function fileChanges(
  { files }: Config,
  { fileSource, commands, sessions, metrics }: FileChangeParts,
): { uploads: UploadRouteDeps; events: EventsRouteDeps } {
  const viewerOf = async (request: FastifyRequest): Promise<Viewer> => (await sessions.callerOf(request)).viewer;
  return {
    uploads: {
      viewerOf,
      head: (path) => fileSource.head(path),
      commandsOf: (viewer, requestId) => commands.of(viewer, metrics, requestId, 'UPLOAD'),
      uploadMax: files.uploadMax,
    },
    events: {
      viewerOf,
      secrets: files.eventSecrets ?? [],
      ...(files.source.kind === 's3' && { bucket: files.source.bucket }),
      commandsOf: (viewer, requestId) => commands.of(viewer, metrics, requestId, 'EVENT'),
      confirm: confirmSubscription,
    },
  };
}
