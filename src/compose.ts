import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { Commands } from './changes/commands.js';
import { openAccess } from './compose/access.js';
import { openCache, type OpenedCache } from './compose/cache.js';
import { Closing } from './compose/closing.js';
import { checkFolders } from './compose/folders.js';
import { demoSubjects, openDatabase, openFileSource } from './compose/sources.js';
import type { Config } from './config.js';
import { startDemoPlant } from './embedded/demo.js';
import type { FileSource } from './files/file.js';
import { fileTokenKey } from './files/keys.js';
import { exampleOperations } from './graphql/examples.js';
import { landingPage, type DemoIdentity } from './graphql/landing-page.js';
import { createGraphqlServer } from './graphql/server.js';
import { createDrain } from './http/drain.js';
import type { FilesRouteDeps } from './http/files-route.js';
import { createReadiness } from './http/readiness.js';
import { createServer } from './http/server.js';
import { Sessions } from './http/sessions.js';
import { PlantCalendar } from './orders/plant-day.js';
import { Metrics } from './telemetry/metrics.js';
import { systemTime } from './time.js';
import type { Milliseconds } from './units.js';

/** A running gateway. */
export interface Gateway {
  /** Where it listens. */
  readonly url: string;
  /** Ready tokens, where no authentication is configured. */
  readonly demo: readonly DemoIdentity[];
  /** Finishes what is under way, then lets go of everything. */
  close(): Promise<void>;
}

/**
 * Builds and starts everything that `config` describes. Nothing is left open when it fails.
 * @param say tells the person who starts a demo what is going on, a line at a time
 * @throws SchemaError if the database does not fit; the error of `listen` if the port is taken
 */
export async function startGateway(config: Config, log: FastifyBaseLogger, say: (line: string) => void): Promise<Gateway> {
  const closing = new Closing();
  try {
    return await open(config, log, say, closing);
  } catch (error) {
    await closing.run(log);
    throw error;
  }
}

async function open(config: Config, log: FastifyBaseLogger, say: (line: string) => void, closing: Closing): Promise<Gateway> {
  await checkFolders(config);
  const fileSource = await openFileSource(config, say, closing);
  const { database, check, plantUrl } = await openDatabase(config, log, say, closing);
  const cache = openCache(config, { database, files: fileSource }, () => false, log, closing);
  const metrics = metricsOf(cache);
  const calendar = new PlantCalendar(config.orders.timeZone);
  const commands = new Commands({
    changeStatuses: (changes) => database.changeStatuses(changes),
    renewals: cache.renewals,
    levels: config.orders.levels,
    calendar,
  });
  const { identity, signer, demo } = await openAccess(config, log);
  const sessions = new Sessions({
    identity,
    signer,
    metrics,
    commands,
    caches: cache.caches,
    answers: cache.answers,
    orderParts: { calendar, level: Math.max(...config.orders.levels), clock: systemTime.now },
    presign: (path, expiresIn) => fileSource.presign(path, expiresIn),
    ...(config.http.publicUrl && { publicUrl: config.http.publicUrl }),
  });
  const subjects = config.database.url === undefined ? await demoSubjects(database) : {};
  const apollo = createGraphqlServer([landingPage({ examples: () => exampleOperations(systemTime.now(), subjects), demo })]);
  await apollo.start();
  closing.push(() => apollo.stop());
  let draining = false;
  const app = await createServer({
    log,
    metrics,
    ...config.http,
    loopbackOnly: config.auth.mode === 'demo',
    graphql: { apollo, contextOf: (request) => sessions.graphqlContext(request) },
    files: filesDeps(sessions, cache, fileSource, metrics),
    readiness: createReadiness({
      database: check,
      store: async () => (await cache.store.getMany(['readyz'])).kind === 'read',
      draining: () => draining,
      time: systemTime,
    }),
  });
  const drain = createDrain(app.server);
  closing.push(() => closeServer(app, drain, config.http.shutdownTimeout));
  const url = await app.listen({ host: config.http.host, port: config.http.port });
  if (plantUrl !== undefined && config.simulator) {
    const plant = startDemoPlant(plantUrl, commands, (line) => log.info(line));
    closing.push(() => plant.stop());
  }
  return {
    url,
    demo,
    close: () => {
      draining = true;
      return closing.run(log);
    },
  };
}

function metricsOf({ memory, answers, renewals, store }: OpenedCache): Metrics {
  return new Metrics({
    memoryTierBytes: () => memory.size + answers.size,
    pendingRenewals: () => renewals.pendingCount,
    storeAvailable: () => store.available,
  });
}

function filesDeps(sessions: Sessions, { caches, renewals }: OpenedCache, source: FileSource, metrics: Metrics): FilesRouteDeps {
  return {
    authorise: (request, path) => sessions.authoriseFile(request, path),
    readFile: async (path) => {
      const [answer] = await caches.files.readMany([path], metrics);
      return answer?.value ? { ...answer.value, outcome: answer.outcome } : null;
    },
    openFile: (path, options) => source.open(path, options),
    fileChanged: async (path) => {
      await renewals.renew([fileTokenKey(path)]);
    },
  };
}

/** Lets requests under way finish; after `patience` their connections are cut. */
async function closeServer(app: FastifyInstance, drain: () => Promise<void>, patience: Milliseconds): Promise<void> {
  const cancel = systemTime.after(patience, () => app.server.closeAllConnections());
  await drain();
  await app.close();
  cancel();
}
