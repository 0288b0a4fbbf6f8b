import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@redis/client';
import { SignJWT } from 'jose';
import { HOUR, SECOND, type Milliseconds } from '../../src/units.js';
import { withLock } from './servers/lock.js';
import { freePort } from './servers/ports.js';
import { createDatabase, queryOnce, type Row } from './servers/postgres.js';
import { tryRun } from './servers/run.js';
import { startProcess } from './servers/server-process.js';
import { sharedPostgres, sharedRedis } from './servers/shared.js';
import { removeFolder, temporaryFolder } from './servers/temporary.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const START_PATIENCE = 30 * SECOND;
const STOP_PATIENCE = 30 * SECOND;

/** The secret of AUTH_JWT_SECRET that `startGateway` sets and `tokenFor` signs with. */
export const TEST_SECRET = 'a secret of the tests, longer than 32 bytes';

// -- The process

/** What a GraphQL request answered. `data` is what the test says it is: nothing checks `T`. */
export interface GraphqlAnswer<T> {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it arrived. */
  readonly text: string;
  readonly data?: T | null;
  readonly errors?: readonly { message: string; path?: readonly (string | number)[]; extensions: { code: string } }[];
  readonly extensions?: { cache?: CacheReport };
}

/** `extensions.cache`, answered to a request with the header `x-cache-debug: 1`. */
export interface CacheReport {
  readonly stale: boolean;
  readonly outcomes: Record<string, Record<string, number>>;
  readonly sqlStatements: number;
  readonly storeRoundTrips: number;
}

export interface RequestOptions {
  /** Sent as `Authorization: Bearer <token>`. */
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The production server as a process of its own. */
export interface GatewayProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** All that it has printed so far, stdout and stderr. */
  output(): string;
  isRunning(): boolean;
  /** Sends the signal and does not wait. */
  kill(signal: NodeJS.Signals): void;
  /** Sends SIGTERM and waits for the end. Gives the exit code; `null`: it had to be killed, or was. Harmless when it has ended. */
  stop(): Promise<number | null>;
  /** A POST of `/graphql`. */
  graphql<T = Record<string, unknown>>(
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<GraphqlAnswer<T>>;
  /** A request (GET unless `method` says otherwise) by `fetch`, which resolves `..` in `path`; see `sendRaw`. */
  get(path: string, options?: RequestOptions & Omit<RequestInit, 'headers'>): Promise<Response>;
}

export interface GatewayOptions {
  /** Default true: waits until `/readyz` answers 200. False: only until the process was started. */
  readonly untilReady?: boolean;
}

/**
 * Starts `node dist/main.js`, built first if the sources are newer, on a free port of 127.0.0.1. It has no environment but
 * `env` and: PATH, a DATA_DIR of its own, LOG_LEVEL=info, AUTH_JWT_SECRET=TEST_SECRET and, without S3_BUCKET, a folder of
 * its own as FILES_DIR; an empty value takes one of those away.
 * It dies with the test process; call `stop` all the same. @throws with what it printed when it ends or is not ready in time.
 */
export async function startGateway(env: Readonly<Record<string, string>>, options: GatewayOptions = {}): Promise<GatewayProcess> {
  await (built ??= ensureBuilt());
  const folder = temporaryFolder();
  const port = Number(env['PORT'] ?? (await freePort()));
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(folder, 'gateway.log');
  let child: ChildProcess | undefined;
  const server = await startProcess({
    command: process.execPath,
    args: [join(ROOT, 'dist/main.js')],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      DATA_DIR: join(folder, 'data'),
      LOG_LEVEL: 'info',
      AUTH_JWT_SECRET: TEST_SECRET,
      ...(env['S3_BUCKET'] === undefined && { FILES_DIR: folder }),
      ...env,
      PORT: String(port),
    },
    logFile,
    spawn: (command, args, settings) => (child = spawn(command, args, { ...settings, cwd: folder })),
  });
  let printed: string | undefined;
  const stop = async (): Promise<number | null> => {
    await server.end('SIGTERM', STOP_PATIENCE);
    printed ??= readFileSync(logFile, 'utf8');
    removeFolder(folder);
    return child?.exitCode ?? null;
  };
  if (options.untilReady ?? true) {
    try {
      await server.until(() => isReady(url), START_PATIENCE);
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return {
    url,
    port,
    pid: server.pid,
    output: () => printed ?? readFileSync(logFile, 'utf8'),
    isRunning: () => server.isRunning(),
    kill: (signal) => server.kill(signal),
    stop,
    graphql: (query, variables = {}, request = {}) => post(`${url}/graphql`, { query, variables }, request),
    get: (path, { token, headers, ...init } = {}) => fetch(url + path, { ...init, headers: requestHeaders({ token, headers }) }),
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2 * SECOND) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function post<T>(url: string, body: unknown, options: RequestOptions): Promise<GraphqlAnswer<T>> {
  const headers = { 'content-type': 'application/json', ...requestHeaders(options) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, ...(JSON.parse(text) as object) };
}

function requestHeaders({ token, headers }: { token?: string | undefined; headers?: RequestOptions['headers'] | undefined }) {
  return { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers };
}

/**
 * Sends `text` over a plain socket and gives all that comes back until the server closes the connection, so ask with
 * `Connection: close`. For what no HTTP client would send.
 */
export async function sendRaw({ port }: { port: number }, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (answer += piece));
  // A server that refuses may reset the connection; what it said before is the answer.
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

// -- The build

let built: Promise<void> | undefined;

/** Compiles `src` into `dist` when a source is newer than the last build. One process at a time builds. */
async function ensureBuilt(): Promise<void> {
  const marker = join(ROOT, 'dist/.built-for-tests');
  const isCurrent = async (): Promise<boolean> => {
    const sources = [await newest(join(ROOT, 'src')), await modified(join(ROOT, 'tsconfig.json'))];
    const made = Math.max(await modified(marker), await modified(join(ROOT, 'dist/main.js')));
    return (await modified(join(ROOT, 'dist/main.js'))) > 0 && made > Math.max(...sources);
  };
  if (await isCurrent()) return;
  const build = async (): Promise<void> => {
    if (await isCurrent()) return;
    const started = new Date();
    const args = ['-p', 'tsconfig.build.json', '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'];
    // A type error does not keep tsc from writing; it is for `npm run typecheck` to find.
    const { stdout } = await tryRun(process.execPath, ['node_modules/typescript/bin/tsc', ...args], { cwd: ROOT });
    if ((await modified(join(ROOT, 'dist/main.js'))) === 0) throw new Error(`the gateway could not be built:\n${stdout}`);
    await writeFile(marker, '');
    // What was saved while the compiler ran is newer than this.
    await utimes(marker, started, started);
  };
  await withLock(join(ROOT, '.servers/build.lock'), build, () => undefined);
}

async function newest(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  return Math.max(...(await Promise.all(names.map((name) => modified(join(folder, name))))));
}

/** 0: there is no such file. */
function modified(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

// -- Callers

export interface Caller {
  readonly role: string;
  readonly partnerId?: string;
  readonly sub?: string;
}

export interface TokenOverrides {
  /** In place of, or besides, the claims made of the caller; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly secret?: string;
  /** Negative: expired already. Default: an hour. */
  readonly expiresIn?: Milliseconds;
}

/** A token (HS256) that a gateway of `startGateway` accepts, unless the overrides make it a bad one. */
export function tokenFor({ role, partnerId, sub = `test-${role}` }: Caller, overrides: TokenOverrides = {}): Promise<string> {
  const { claims, secret = TEST_SECRET, expiresIn = HOUR } = overrides;
  const now = Math.floor(Date.now() / SECOND);
  return new SignJWT({ sub, role, partner_id: partnerId, iat: now, exp: now + Math.floor(expiresIn / SECOND), ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

// -- What stands behind the gateway

/** A row of the contract's table `orders`, in the words of SQL. Times are ISO 8601. */
export interface PlantOrder {
  id: string;
  number: string;
  status: string;
  created_at: string;
  updated_at: string;
  version: number;
  partner_id: string | null;
  customer: string;
  product: string;
  material: string;
  quantity: number;
  price_minor: number;
  currency: string;
  file_path: string | null;
}

/** A database as somebody else's MES has it: the contract's table, made by plain SQL, no migration of ours. */
export interface Plant {
  readonly url: string;
  /** Writes rows behind the gateway's back; gives them whole. */
  insert(...orders: readonly Partial<PlantOrder>[]): Promise<PlantOrder[]>;
  /** Changes one row behind the gateway's back. */
  update(id: string, changes: Partial<PlantOrder>): Promise<void>;
  query(sql: string, params?: readonly unknown[]): Promise<Row[]>;
}

export interface PlantOptions {
  readonly orders?: readonly Partial<PlantOrder>[];
  /** The URL of the Postgres to make the database in. Default: the shared one. */
  readonly server?: string;
}

const TABLE = `create table orders (
  id uuid primary key, number text not null, status text not null, created_at timestamptz not null,
  updated_at timestamptz not null, version int not null, partner_id text, customer text not null, product text not null,
  material text not null, quantity int not null, price_minor int not null, currency text not null, file_path text)`;

/** Makes a new database with the given orders. */
export async function freshPlant({ orders = [], server }: PlantOptions = {}): Promise<Plant> {
  const url = await createDatabase(server ?? sharedPostgres().url, `plant_${randomUUID()}`);
  const query = (sql: string, params: readonly unknown[] = []): Promise<Row[]> => queryOnce(url, sql, params);
  await query(TABLE);
  await query('create index on orders (created_at)');
  const plant: Plant = {
    url,
    query,
    insert: async (...given) => {
      const rows = given.map(plantOrder);
      await query('insert into orders select * from json_populate_recordset(null::orders, $1)', [JSON.stringify(rows)]);
      return rows;
    },
    update: async (id, changes) => {
      const columns = Object.keys(changes);
      const sets = columns.map((column, index) => `${column} = $${index + 2}`).join(', ');
      await query(`update orders set ${sets} where id = $1`, [id, ...Object.values(changes)]);
    },
  };
  if (orders.length > 0) await plant.insert(...orders);
  return plant;
}

/** A whole row made of what is given; by default of partner-a, created at 2025-07-24T15:30Z. */
export function plantOrder(given: Partial<PlantOrder> = {}): PlantOrder {
  const created = given.created_at ?? '2025-07-24T15:30:00Z';
  return {
    id: randomUUID(),
    number: 'ORD-1',
    status: 'SUBMITTED',
    created_at: created,
    updated_at: created,
    version: 1,
    partner_id: 'partner-a',
    customer: 'Werk Nord',
    product: 'ring',
    material: 'steel',
    quantity: 1,
    price_minor: 12_950,
    currency: 'EUR',
    file_path: null,
    ...given,
  };
}

/** Empties the shared Redis database of this jest worker, where earlier test files left their entries; gives its URL. */
export async function emptyRedis(): Promise<string> {
  const { url } = sharedRedis();
  const client = createClient({ url });
  await client.connect();
  await client.flushDb();
  client.destroy();
  return url;
}
