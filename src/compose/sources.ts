import path from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.js';
import { prepareSampleFiles, startDemoDatabase } from '../embedded/demo.js';
import { SAMPLE_FILE_PATHS } from '../embedded/sample-files.js';
import type { FileSource } from '../files/file.js';
import type { Patience } from '../files/patience.js';
import { resilientFiles } from '../files/resilient-files.js';
import type { ExampleSubjects } from '../graphql/examples.js';
import { createDirectoryFiles } from '../sources/directory-files.js';
import { MesDatabase, SchemaError } from '../sources/mes-database.js';
import { createS3Files } from '../sources/s3-files.js';
import { systemTime } from '../time.js';
import { DAY } from '../units.js';
import type { Closing } from './closing.js';

/** With the pauses between them under two seconds in all, so that a store that is down is soon told from one that stumbles. */
const FILE_ATTEMPTS = 5;

export interface OpenedDatabase {
  readonly database: MesDatabase;
  readonly url: string;
  /** The URL of the demo plant that this process keeps alive, if it does. */
  readonly plantUrl?: string;
  /** Rejects unless the database answers and has the tables that it must have. */
  readonly check: () => Promise<void>;
}

/** The configured database, or an embedded one with the demo plant. @throws SchemaError if the database does not fit */
export async function openDatabase(
  config: Config,
  log: FastifyBaseLogger,
  say: (line: string) => void,
  closing: Closing,
): Promise<OpenedDatabase> {
  const configured = config.database.url;
  const demo = configured === undefined ? await startDemo(config, say, closing) : undefined;
  const url = configured ?? demo?.url ?? '';
  const database = new MesDatabase({ ...config.database, url });
  closing.push(() => database.close());
  const check = schemaCheck(database);
  await check().catch((error: unknown) => {
    if (error instanceof SchemaError) throw error;
    log.warn({ err: error }, 'the order database does not answer yet; starting all the same');
  });
  return { database, url, check, ...(demo?.owned && { plantUrl: demo.url }) };
}

async function startDemo(config: Config, say: (line: string) => void, closing: Closing) {
  const demo = await startDemoDatabase(config.dataDir, config.orders.timeZone, systemTime.now, say);
  closing.push(() => demo.stop());
  say(`Change it as another program would: ${psqlOf(demo.url, config.dataDir)}`);
  if (!demo.owned) say('Its database ends when that gateway stops.');
  return demo;
}

/** A command line for the shell; the password stays in its file. */
function psqlOf(url: string, dataDir: string): string {
  const { hostname, port, username, pathname } = new URL(url);
  return `PGPASSWORD=$(cat ${path.join(dataDir, 'postgres-password')}) psql -h ${hostname} -p ${port} -U ${username} ${pathname.slice(1)}`;
}

/** What ready operations can be about, if the demo plant is there: an order with a file, which can still move on, and a file of partner B alone. */
export async function demoSubjects({ database: { url }, files }: Config, database: MesDatabase): Promise<ExampleSubjects> {
  if (url !== undefined) return {};
  const now = systemTime.now();
  const orders = await database.ordersCreatedIn([{ from: now - 4 * DAY, to: now }]);
  const order = orders.find(({ status, filePath }) => status === 'MANUFACTURING_APPROVED' && filePath !== null) ?? orders[0];
  const fileOfPartnerB = files.source.kind === 'samples' ? await fileOfOne('partner-b', 'partner-a', database) : undefined;
  return {
    ...(order && { orderId: order.id }),
    ...(order?.filePath && { filePath: order.filePath }),
    ...(fileOfPartnerB !== undefined && { fileOfPartnerB }),
  };
}

/** A sample file that orders of one partner name, and none of the other. */
async function fileOfOne(one: string, other: string, database: MesDatabase): Promise<string | undefined> {
  const owned = await database.ownFiles([one, other], SAMPLE_FILE_PATHS);
  const of = (partner: string) => owned.filter(({ partnerId }) => partnerId === partner).map(({ of: path }) => path);
  return of(one).find((path) => !of(other).includes(path));
}

/** Once the schema was found to fit, only whether the database answers is asked. */
function schemaCheck(database: MesDatabase): () => Promise<void> {
  let fits = false;
  return async () => {
    if (fits) return database.ping();
    await database.checkSchema();
    fits = true;
  };
}

/** The configured store of files, or a folder of sample models; passing trouble of it is sat out. */
export async function openFileSource(
  config: Config,
  log: FastifyBaseLogger,
  say: (line: string) => void,
  closing: Closing,
): Promise<FileSource> {
  const { source } = config.files;
  const files =
    source.kind === 's3'
      ? createS3Files(source)
      : createDirectoryFiles({
          root: source.kind === 'directory' ? source.root : await prepareSampleFiles(path.resolve(config.dataDir), say),
        });
  closing.push(() => files.close());
  return resilientFiles(files, patienceOf(config, log));
}

function patienceOf({ files }: Config, log: FastifyBaseLogger): Patience {
  return {
    time: systemTime,
    random: Math.random,
    deadline: files.sourceDeadline,
    stall: Math.ceil(files.sourceDeadline / 3),
    attempts: FILE_ATTEMPTS,
    onRetry: ({ path: file, failures, cause }) => log.warn({ err: cause, file, failures }, 'file store trouble; trying again'),
  };
}
