import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoSecret } from '../src/embedded/demo-secret.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../src/embedded/postgres.js';
import { queryOnce } from './support/servers/postgres.js';

const log = (): void => undefined;

/** Another gateway: a process that starts the database in `dataDir`, says its URL, and runs until it is killed. */
async function otherGateway(dataDir: string): Promise<{ process: ChildProcess; url: string }> {
  const module = new URL('../src/embedded/postgres.ts', import.meta.url).href;
  const script = `const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const database = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log: () => {} });
    console.log(database.url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, url: line.toString().trim() };
}

describe('embedded Postgres', () => {
  let dataDir: string;
  const started: EmbeddedPostgres[] = [];
  const start = async (): Promise<EmbeddedPostgres> => {
    const database = await startEmbeddedPostgres({ dataDir, log });
    started.push(database);
    return database;
  };

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'embedded-postgres-'));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((database) => database.stop()));
    rmSync(dataDir, { recursive: true });
  });

  test('starts on loopback, and its data survives a restart', async () => {
    const first = await start();
    expect(first).toMatchObject({ owned: true, url: expect.stringContaining(`127.0.0.1:${first.port}`) as string });
    await queryOnce(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    await first.stop();
    await expect(queryOnce(first.url, 'select 1')).rejects.toThrow();
    const second = await start();
    expect(await queryOnce(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect(await queryOnce(second.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
  });

  test('is shared with a live gateway, and left running by the one that only shares it', async () => {
    const other = await otherGateway(dataDir);
    const mine = await start();
    expect(mine).toMatchObject({ url: other.url, owned: false });
    await mine.stop();
    expect(await queryOnce(other.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    other.process.kill('SIGKILL');
    await once(other.process, 'exit');
    expect((await start()).owned).toBe(true);
  });

  test('that a killed gateway left is taken over, and ends with its new owner', async () => {
    const other = await otherGateway(dataDir);
    await queryOnce(other.url, 'create table kept as select 42 as answer');
    other.process.kill('SIGKILL');
    await once(other.process, 'exit');
    const mine = await start();
    expect(mine).toMatchObject({ url: other.url, owned: true });
    expect(await queryOnce(mine.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await mine.stop();
    await expect(queryOnce(mine.url, 'select 1')).rejects.toThrow();
  });

  test('two gateways that start at once get one server and one owner', async () => {
    const [one, two] = await Promise.all([start(), otherGateway(dataDir)]);
    try {
      expect(one.url).toBe(two.url);
    } finally {
      two.process.kill('SIGKILL');
      await once(two.process, 'exit');
    }
    if (!one.owned) expect((await start()).owned).toBe(true);
  });

  test('what a killed server left behind is no obstacle', async () => {
    const first = await start();
    await queryOnce(first.url, 'create table kept as select 42 as answer');
    const [row] = await queryOnce(first.url, `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`);
    process.kill(Number(row?.['pid']), 'SIGKILL');
    const second = await start();
    expect(await queryOnce(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('a lock file that names some other live program is no obstacle', async () => {
    await (await start()).stop();
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `${process.ppid}\n${dataDir}\n0\n1\n\n127.0.0.1\n`);
    expect((await start()).owned).toBe(true);
  });

  test('what a killed initdb left half-made is removed, not taken for a database', async () => {
    // No process can have this id: Linux ends at 2 ** 22.
    mkdirSync(join(dataDir, 'postgres.new-4194305'));
    await start();
    expect(existsSync(join(dataDir, 'postgres', 'PG_VERSION'))).toBe(true);
    expect(readdirSync(dataDir).filter((name) => name.includes('.new-'))).toEqual([]);
  });

  test('a directory that Postgres refuses is an error that shows why', async () => {
    mkdirSync(join(dataDir, 'postgres'));
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '9\n');
    await expect(start()).rejects.toThrow(/did not start\. Its log ends with:\n.+/);
  });
});

describe('the secret of demo tokens', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'embedded-secret-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  test('is made once, also by several at once, for the eyes of its owner', async () => {
    const secrets = await Promise.all([demoSecret(dataDir), demoSecret(dataDir), demoSecret(dataDir)]);
    expect(secrets[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([...secrets, await demoSecret(dataDir)]).size).toBe(1);
    expect(statSync(join(dataDir, 'demo-secret')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['demo-secret']);
  });

  test('that was spoiled is named, not replaced', async () => {
    writeFileSync(join(dataDir, 'demo-secret'), 'short');
    await expect(demoSecret(dataDir)).rejects.toThrow(/demo-secret must hold 64 hex digits/);
  });
});
