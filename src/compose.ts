import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { Commands, type CommandParts } from './changes/commands.js';
import { FeedStatus } from './changes/feed-status.js';
import { openAccess } from './compose/access.js';
import { openAdmission } from './compose/admission.js';
import { demoOffer } from './compose/demo-offer.js';
import { openAudit, type OpenedAudit } from './compose/audit.js';
import { openCache, ttlsOf, type OpenedCache } from './compose/cache.js';
import { Closing } from './compose/closing.js';
import { openFeed, type OpenedFeed } from './compose/feed.js';
import { fileChanges } from './compose/file-changes.js';
import { filesDeps, openDiskTier, openVariants } from './compose/files.js';
import { checkFolders } from './compose/folders.js';
import { openRateLimits } from './compose/rate-limits.js';
import { openLive, openLiveOrders } from './compose/live.js';
import { OpenedLevels } from './compose/levels.js';
import { demoSubjects, openDatabase, openFileSource } from './compose/sources.js';
import type { Config } from './config.js';
import { startDemoPlant } from './embedded/demo.js';
import type { FileSource } from './files/file.js';
import { exampleOperations, type ExampleSubjects } from './graphql/examples.js';
import type { Admission } from './graphql/admission.js';
import { landingPage, type DemoIdentity } from './graphql/landing-page.js';
import { createGraphqlServer } from './graphql/server.js';
import { createDrain, type Drain } from './http/drain.js';
import type { GraphqlRouteDeps } from './http/graphql-route.js';
import { OperationCharges } from './http/rate-operations.js';
import type { RateLimits } from './http/rate-limits.js';
import { createReadiness } from './http/readiness.js';
import { createServer } from './http/server.js';
import { Sessions } from './http/sessions.js';
import { PlantCalendar } from './orders/plant-day.js';
import type { MesDatabase } from './sources/mes-database.js';
import { Metrics } from './telemetry/metrics.js';
import { systemTime } from './time.js';
import type { Milliseconds } from './units.js';
import type { DemoOffer } from './welcome.js';

/** A running gateway. */
export interface Gateway {
  /** Where it listens. */
  readonly url: string;
  /** Where no authentication is configured: what can be tried. */
  readonly demo?: DemoOffer;
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
  const { schema, admission } = await openAdmission(config);
  await checkFolders(config);
  const fileSource = await openFileSource(config, log, say, closing);
  const { database, url: databaseUrl, check, plantUrl } = await openDatabase(config, log, say, closing);
  const status = new FeedStatus(systemTime.now);
  const ttls = ttlsOf(config.orders, status);
  const windowLevels = new OpenedLevels({ orders: config.orders, lifetimes: ttls, staleFor: config.store.staleFor }, log);
  const sources = { database, files: fileSource, feed: status, ttls };
  const cache = openCache(config, sources, log, windowLevels, closing);
  const metrics = metricsOf(cache, status, windowLevels);
  const disk = openDiskTier(config, fileSource, metrics.files, log, closing);
  const variants = openVariants(config, disk, metrics.files, closing);
  const calendar = new PlantCalendar(config.orders.timeZone);
  const feed = await openFeed(config, { databaseUrl, cache, calendar, status, metrics }, log, closing);
  const audit = await openAudit(config, database, cache.gate, metrics, log);
  const commands = commandsOf(config, { database, fileSource, audit }, cache, feed, calendar);
  const { identity, signer, demo } = await openAccess(config, log);
  const sessions = new Sessions({
    identity,
    signer,
    metrics,
    commands,
    caches: cache.caches,
    answers: cache.answers,
    readAudit: audit.read,
    orderParts: { calendar, levels: windowLevels, clock: systemTime.now },
    live: openLiveOrders(feed.signals, cache.caches, metrics),
    presign: (path, expiresIn) => fileSource.presign(path, expiresIn),
    ...(config.http.publicUrl && { publicUrl: config.http.publicUrl }),
  });
  const rates = openRateLimits(config, metrics, log, closing);
  const subjects = await demoSubjects(config, database);
  const { apollo, charges } = await openGraphql(config, { schema, admission, subjects, demo, rates }, closing);
  const live = openLive(config, { apollo, schema, admission, sessions, metrics, rates }, log);
  let draining = false;
  const app = await createServer({
    log,
    metrics,
    ...config.http,
    loopbackOnly: config.auth.mode === 'demo',
    graphql: graphqlDeps(config, { apollo, charges, sessions }),
    live,
    files: { ...filesDeps({ sessions, cache, disk, metrics, rates }), ...(variants && { variants }) },
    ...fileChanges(config, { fileSource, commands, sessions, metrics }),
    readiness: readinessOf(check, cache, () => draining),
  });
  const drain = createDrain(app.server);
  closing.push(() => live.connections.close().then(() => closeServer(app, drain, config.http.shutdownTimeout)));
  const url = await app.listen({ host: config.http.host, port: config.http.port });
  if (plantUrl !== undefined && config.simulator) keepPlantAlive(plantUrl, log, closing);
  return {
    url,
    ...(demo.length > 0 && { demo: demoOffer(config, { admission, subjects, identities: demo }) }),
    close: () => {
      draining = true;
      return closing.run(log);
    },
  };
}

function graphqlDeps(
  { http }: Config,
  { apollo, charges, sessions }: { apollo: GraphqlRouteDeps['apollo']; charges: OperationCharges; sessions: Sessions },
): GraphqlRouteDeps {
  const contextOf: GraphqlRouteDeps['contextOf'] = async (request) => charges.of(await sessions.graphqlContext(request), request);
  return { apollo, compression: http.compression, contextOf };
}

function keepPlantAlive(url: string, log: FastifyBaseLogger, closing: Closing): void {
  const plant = startDemoPlant(url, (line) => log.info(line));
  closing.push(() => plant.stop());
}

interface GraphqlParts {
  readonly schema: GraphQLSchema;
  readonly admission: Admission;
  readonly subjects: ExampleSubjects;
  readonly demo: readonly DemoIdentity[];
  readonly rates: RateLimits;
}

async function openGraphql(
  { operations: exposure }: Config,
  { schema, admission, subjects, demo, rates }: GraphqlParts,
  closing: Closing,
) {
  const examples = () =>
    exampleOperations(systemTime.now(), subjects).filter(({ document, variables }) => admission.takes(document, variables));
  const page = exposure.sandbox ? landingPage({ examples, demo }) : undefined;
  const charges = new OperationCharges(rates, admission.limits.costOf);
  const apollo = createGraphqlServer({ schema, admission, exposure, page, plugins: [charges.plugin] });
  await apollo.start();
  closing.push(() => apollo.stop());
  return { apollo, charges };
}

interface ChangeSources {
  readonly database: MesDatabase;
  readonly fileSource: FileSource;
  readonly audit: OpenedAudit;
}

function commandsOf(
  { orders }: Config,
  { database, fileSource, audit: { keeping: audit } }: ChangeSources,
  { renewals }: OpenedCache,
  { origins }: OpenedFeed,
  calendar: PlantCalendar,
): Commands {
  const changeStatuses: CommandParts['changeStatuses'] = async (changes, origin, act) =>
    database.changeStatuses(changes, origin, (await audit.isOn()) ? act : undefined);
  const putFile: CommandParts['putFile'] = (path, body, options) => fileSource.put(path, body, options);
  return new Commands({ changeStatuses, putFile, renewals, origins, audit, levels: orders.levels, calendar });
}

function readinessOf(database: () => Promise<void>, { store }: OpenedCache, draining: () => boolean) {
  const answers = async () => (await store.getMany(['readyz'])).kind === 'read';
  return createReadiness({ database, store: answers, draining, time: systemTime });
}

function metricsOf({ memory, answers, renewals, store }: OpenedCache, feed: FeedStatus, levels: OpenedLevels): Metrics {
  return new Metrics({
    memoryTierBytes: () => memory.size + answers.size,
    pendingRenewals: () => renewals.pendingCount,
    storeAvailable: () => store.available,
    feed,
    levels,
  });
}

/** Lets requests under way finish; after `patience` every connection is cut. */
async function closeServer(app: FastifyInstance, drain: Drain, patience: Milliseconds): Promise<void> {
  const cancel = systemTime.after(patience, () => drain.cut());
  await drain.finish();
  await app.close();
  cancel();
}
