import { join } from 'node:path';
import pg from 'pg';
import { findPostgresBinaries } from '../../../src/embedded/postgres-binaries.js';
import { choosePostgresUser, postgresEnvironment, type PostgresUser } from '../../../src/embedded/postgres-user.js';
import { MINUTE, SECOND } from '../../../src/units.js';
import { freePort } from './ports.js';
import { startProcess, type ServerProcess } from './server-process.js';
import { removeFolder, temporaryFolder } from './temporary.js';

const START_PATIENCE = 20 * SECOND;
const ATTEMPTS = 3;

/** What a test does not need: a disk that survives a power cut. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'shared_buffers=64MB',
  'max_connections=200',
  'timezone=UTC',
];

export type Row = Record<string, unknown>;

export interface PostgresOptions {
  /** Words for postgres's command line, such as `['-c', 'log_statement=all']`. */
  extraArgs?: readonly string[];
}

/** A Postgres of one's own on 127.0.0.1, with the superuser "postgres" and trust authentication. */
export interface PostgresServer {
  /** Of the database "postgres". */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster; changes at `restart`. */
  readonly pid: number;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
  /** Ends the server at once (default SIGKILL); `restart` brings it back with its data. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server if it runs, and starts it on the same port and data. */
  restart(): Promise<void>;
  /** One statement on a connection of its own in the database "postgres". */
  query(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Makes a new empty database, in place of one of the same name, and gives its URL. */
  createDatabase(name: string): Promise<string>;
}

/** One statement on a new connection to `url`, which is closed again; gives the rows. */
export async function queryOnce(url: string, sql: string, params: readonly unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that dies between the answer and the end of the connection is no concern of the statement.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...params])).rows;
  } finally {
    await client.end();
  }
}

/** Makes a new empty database on the server at `url`, in place of one of the same name. Gives the new database's URL. */
export async function createDatabase(url: string, name: string): Promise<string> {
  const quoted = pg.escapeIdentifier(name);
  await queryOnce(url, `DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`);
  await queryOnce(url, `CREATE DATABASE ${quoted} TEMPLATE template0`);
  const made = new URL(url);
  made.pathname = `/${encodeURIComponent(name)}`;
  return made.href;
}

/** Makes a database cluster, starts Postgres on it and waits until it answers. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const [{ initdb, postgres }, user] = await Promise.all([findPostgresBinaries(), choosePostgresUser()]);
  for (let attempt = 1; ; attempt++) {
    const server = new Postgres(postgres, user, await freePort(), options.extraArgs ?? []);
    try {
      await server.create(initdb);
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

class Postgres implements PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly #binary: string;
  readonly #user: PostgresUser;
  readonly #extraArgs: readonly string[];
  readonly #folder = temporaryFolder();
  readonly #data = join(this.#folder, 'data');
  #process: ServerProcess | undefined;

  constructor(binary: string, user: PostgresUser, port: number, extraArgs: readonly string[]) {
    this.#binary = binary;
    this.#user = user;
    this.#extraArgs = extraArgs;
    this.port = port;
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  }

  get pid(): number {
    if (!this.#process) throw new Error('this Postgres has been stopped');
    return this.#process.pid;
  }

  /** Makes the empty database cluster. */
  async create(initdb: string): Promise<void> {
    await this.#user.adopt(this.#folder);
    const args = [
      '-D',
      this.#data,
      '--no-sync',
      '--no-instructions',
      '--locale=C',
      '-E',
      'UTF8',
      '-A',
      'trust',
      '-U',
      'postgres',
    ];
    const made = await this.#start(initdb, args, 'initdb.log');
    await made.ended(MINUTE);
  }

  async restart(): Promise<void> {
    await this.kill();
    const settings = [...SETTINGS, `port=${this.port}`].flatMap((setting) => ['-c', setting]);
    this.#process = await this.#start(this.#binary, ['-D', this.#data, ...settings, ...this.#extraArgs], 'postgres.log');
    await this.#process.until(() => answers(this.url), START_PATIENCE);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.end(signal);
  }

  async stop(): Promise<void> {
    // SIGINT is Postgres's fast shutdown: it waits for no client.
    await this.kill('SIGINT');
    this.#process = undefined;
    removeFolder(this.#folder);
  }

  query(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
    return queryOnce(this.url, sql, params);
  }

  createDatabase(name: string): Promise<string> {
    return createDatabase(this.url, name);
  }

  #start(command: string, args: readonly string[], log: string): Promise<ServerProcess> {
    const spawn = this.#user.spawn.bind(this.#user);
    return startProcess({ command, args, spawn, env: postgresEnvironment(), logFile: join(this.#folder, log) });
  }
}

async function answers(url: string): Promise<boolean> {
  return queryOnce(url, 'SELECT 1').then(
    () => true,
    () => false,
  );
}
