import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { Viewer } from '../access/viewer.js';
import type { ViewerCommands } from '../changes/commands.js';
import { GatewayError } from '../errors.js';
import { parseFilePath } from '../files/path.js';
import { parseStoreMessage, type ObjectEvent } from '../files/store-events.js';
import { sendError } from './http-error.js';
import { senderOf } from './events-sender.js';
import { authorizationOf } from './identity.js';

export interface EventsRouteDeps {
  /** Who sent the request, by a token. @throws GatewayError UNAUTHENTICATED, SOURCE_UNAVAILABLE */
  readonly viewerOf: (request: FastifyRequest) => Promise<Viewer>;
  /** What senders prove themselves by, beside tokens. */
  readonly secrets: readonly string[];
  /** The bucket that files come from. Absent where they come from a folder: then any bucket is taken for it. */
  readonly bucket?: string;
  readonly commandsOf: (viewer: Viewer, requestId: string) => Pick<ViewerCommands, 'filesChanged'>;
  /** Confirms a subscription of SNS. @throws GatewayError */
  readonly confirm: (url: string) => Promise<void>;
}

const LOGGED_KEYS = 5;

/**
 * `POST /events/s3`: the store tells that objects changed. Invariant: 200 only after the tokens of all files concerned were
 * renewed; so whoever reads after the acknowledgement gets the new bytes. A renewal is the same however often and in whatever
 * order events arrive, so neither matters.
 */
export const eventsRoute: FastifyPluginCallback<EventsRouteDeps> = (app, deps, done) => {
  app.setErrorHandler(sendError);
  // SNS and Ceph send text/plain, form data or nothing as the type of their JSON.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
  app.addHook('onSend', (_request, reply, _payload, next) => {
    // SNS sends the credentials of its endpoint only after it was asked for them in this way.
    if (reply.statusCode === 401) void reply.header('www-authenticate', 'Basic realm="mes-gateway events"');
    next();
  });
  app.addHook('onRequest', async (request) => {
    const viewer = await senderOf(authorizationOf(request.raw), deps.secrets, () => deps.viewerOf(request));
    request.notes.role = viewer.role;
    request.notes.viewer = viewer;
  });
  app.post<{ Body: string | undefined }>('/events/s3', async (request) => {
    const message = parseStoreMessage(request.body ?? '');
    if (message.kind === 'subscription') await deps.confirm(message.url);
    if (message.kind !== 'events') return { renewed: 0, ignored: 0 };
    const { paths, ignored } = filesOf(message.events, deps.bucket, request);
    const commands = deps.commandsOf(request.notes.viewer ?? { role: 'anonymous' }, request.id);
    if (paths.length > 0 && (await commands.filesChanged(paths)) === 'pending') {
      throw new GatewayError('SOURCE_UNAVAILABLE', 'The cache cannot be told at the moment; send the events again.');
    }
    const counts = { renewed: paths.length, ignored: ignored + message.ignored };
    request.log.debug(counts, 'events of the file store');
    return counts;
  });
  done();
};

/** The files that `events` are about; what is of another bucket, or cannot be a file, is logged. */
function filesOf(events: readonly ObjectEvent[], bucket: string | undefined, request: FastifyRequest) {
  const isOurs = (event: ObjectEvent) => bucket === undefined || event.bucket === bucket;
  const ours = events.filter(isOurs);
  const badKeys = ours.filter(({ keys }) => pathsOf(keys).length === 0).map(({ keys }) => keys[0]);
  if (badKeys.length > 0) {
    request.log.warn(
      { count: badKeys.length, keys: badKeys.slice(0, LOGGED_KEYS) },
      'ignored events of keys that no file can have',
    );
  }
  if (ours.length < events.length) {
    const buckets = [...new Set(events.filter((event) => !isOurs(event)).map((event) => event.bucket))];
    request.log.warn({ buckets: buckets.slice(0, LOGGED_KEYS), expected: bucket }, 'ignored events of other buckets');
  }
  const paths = [...new Set(ours.flatMap(({ keys }) => pathsOf(keys)))];
  return { paths, ignored: badKeys.length + events.length - ours.length };
}

function pathsOf(keys: readonly string[]): string[] {
  return keys.filter((key) => {
    try {
      return parseFilePath(key) === key;
    } catch {
      return false;
    }
  });
}
