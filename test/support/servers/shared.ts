import { randomUUID } from 'node:crypto';
import { createDatabase } from './postgres.js';
import { createBucket, type S3Address } from './s3.js';

/** The servers that tests may need. */
export const SERVER_NAMES = ['postgres', 'redis', 's3', 'chromium'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** Addresses of the servers that one test run shares, as they travel to the test files. */
export interface SharedServers {
  postgres?: { url: string };
  redis?: { url: string };
  s3?: S3Address;
}

const VARIABLE = 'TEST_SHARED_SERVERS';

/** Hands the addresses to the test files of this run, which are processes started after this call. */
export function publishSharedServers(servers: SharedServers): void {
  process.env[VARIABLE] = JSON.stringify(servers);
}

/**
 * The servers that this run may use: those named in the environment's TEST_SERVERS (such as `postgres,redis`), default all.
 * @throws when it names an unknown one.
 */
export function wantedServers(): ReadonlySet<ServerName> {
  const text = process.env['TEST_SERVERS'];
  if (text === undefined) return new Set(SERVER_NAMES);
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return new Set(
    names.map((name) => {
      const known = SERVER_NAMES.find((one) => one === name);
      if (known === undefined) throw new Error(`TEST_SERVERS must be a list of ${SERVER_NAMES.join(', ')}, but got: ${name}`);
      return known;
    }),
  );
}

/** `describe` when this run may use all the named servers, else `describe.skip`. */
export function describeWith(...needed: ServerName[]): jest.Describe {
  const wanted = wantedServers();
  return needed.every((name) => wanted.has(name)) ? describe : describe.skip;
}

function shared<Name extends keyof SharedServers>(name: Name): NonNullable<SharedServers[Name]> {
  const servers = JSON.parse(process.env[VARIABLE] ?? '{}') as SharedServers;
  const server = servers[name];
  if (server) return server;
  throw new Error(
    `the shared ${name} was not started: run the tests by jest, with "${name}" in TEST_SERVERS or without TEST_SERVERS`,
  );
}

/** The run's Postgres. Each test file makes its own database and leaves it behind. */
export function sharedPostgres(): { url: string; createDatabase(name: string): Promise<string> } {
  const { url } = shared('postgres');
  return { url, createDatabase: (name) => createDatabase(url, name) };
}

/**
 * The run's Redis. The URL selects a database of this jest worker's own: FLUSHDB disturbs nobody. FLUSHALL, CONFIG SET and
 * CLIENT PAUSE would: a test that needs them starts its own server.
 */
export function sharedRedis(): { url: string } {
  return { url: `${shared('redis').url}/${process.env['JEST_WORKER_ID'] ?? '0'}` };
}

/** The run's S3 store. `newBucket` makes an empty bucket with a name of its own, and gives the name. */
export function sharedS3(): S3Address & { newBucket(): Promise<string> } {
  const address = shared('s3');
  const newBucket = async (): Promise<string> => {
    const name = `test-${randomUUID()}`;
    await createBucket(address, name);
    return name;
  };
  return { ...address, newBucket };
}
