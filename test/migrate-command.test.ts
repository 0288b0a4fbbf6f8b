import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { catalogue, CONTRACT_COLUMNS, withClient } from './support/outbox.js';
import { queryOnce } from './support/servers/postgres.js';
import { describeWith, sharedPostgres } from './support/servers/shared.js';

const ENTRY = fileURLToPath(new URL('../src/migrate.ts', import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run migrate -- <args>`, without npm. */
function run(url: string | undefined, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', ENTRY, ...args], { env: environment(url) }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** The same for somebody who reads nothing of what it prints, as the end of a pipe that has ended. */
async function runUnread(url: string, ...args: string[]): Promise<Omit<Ended, 'stdout'>> {
  const child = spawn(process.execPath, ['--import', 'tsx', ENTRY, ...args], {
    env: environment(url),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { code, stderr };
}

function environment(url: string | undefined): Record<string, string> {
  const { PATH = '' } = process.env;
  return { PATH, ...(url !== undefined && { MES_DATABASE_URL: url }) };
}

/** Runs a script as psql does: comments left out, statement by statement, on one connection. */
function runScript(url: string, script: string): Promise<void> {
  const statements = script.replace(/^--.*$/gm, '').match(/(?:\$(outbox|guard)\$[^]*?\$\1\$|[^;])+;/g) ?? [];
  return withClient(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

describe('npm run migrate', () => {
  test('--help names every option, without a database', async () => {
    const { code, stdout } = await run(undefined, '--help');
    expect(code).toBe(0);
    for (const option of ['--dry-run', '--with-poll-index', '--undo', '--with-audit-log', '--help'])
      expect(stdout).toContain(`  ${option} `);
  });

  test.each([
    [['--dryrun'], 'Options must be among --dry-run, --with-poll-index, --undo, --with-audit-log, --help, but got: --dryrun\n'],
    [['undo'], 'but got: undo\n'],
    [['--undo=yes'], 'but got: --undo=yes\n'],
    [['-n'], 'but got: -n\n'],
    [['--undo', '--with-poll-index'], '--undo removes the outbox only'],
    [['--with-audit-log'], '--with-audit-log is for --undo'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await run('postgres://127.0.0.1:1/nothing', ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('says what it could not reach', async () => {
    expect(await run('postgres://mes:s3cret@127.0.0.1:1/nothing')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'MES_DATABASE_URL (127.0.0.1:1): connect ECONNREFUSED 127.0.0.1:1\n',
    });
    expect(await run(undefined)).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining('MES_DATABASE_URL must name') });
  });

  describeWith('postgres')('with a database', () => {
    test.each([
      ['an empty database', 'select 1'],
      ['a table with rows', `create table orders (${CONTRACT_COLUMNS}); insert into orders (number) values ('N1')`],
    ])('the output of a dry run, run as it is, brings %s up to date', async (_name, definition) => {
      const url = await sharedPostgres().createDatabase('migrate_dry_run');
      await queryOnce(url, definition);
      await runScript(url, (await run(url, '--dry-run')).stdout);
      expect(await run(url)).toEqual({ code: 0, stdout: 'The schema is up to date.\n', stderr: '' });
      const again = await run(url, '--dry-run');
      expect(again).toEqual({ code: 0, stdout: '-- The schema is up to date.\n', stderr: '' });
      await runScript(url, (await run(url, '--undo', '--dry-run')).stdout);
      expect((await run(url, '--undo', '--dry-run')).stdout).toBe('-- There is no outbox to remove.\n');
    });

    test('takes all of its steps when nobody reads what it prints', async () => {
      const url = await sharedPostgres().createDatabase('migrate_unread');
      expect(await runUnread(url, '--dry-run')).toEqual({ code: 0, stderr: '' });
      expect(await catalogue(url)).toEqual([]);
      expect(await runUnread(url)).toEqual({ code: 0, stderr: '' });
      expect((await run(url)).stdout).toBe('The schema is up to date.\n');
    });

    test('says what the database refused, never the password', async () => {
      const url = new URL(await sharedPostgres().createDatabase('migrate_refused'));
      const place = url.host;
      url.password = 's3cret';
      url.pathname = '/nothing_here';
      expect(await run(url.href)).toEqual({
        code: 1,
        stdout: '',
        stderr: `MES_DATABASE_URL (${place}): database "nothing_here" does not exist\n`,
      });
    });

    test('says which rights are missing, and where', async () => {
      const url = new URL(await sharedPostgres().createDatabase('migrate_rights'));
      await queryOnce(url.href, 'create role migrate_rights login');
      const place = url.host;
      url.username = 'migrate_rights';
      const { code, stderr } = await run(url.href);
      await queryOnce(sharedPostgres().url, 'drop role migrate_rights');
      const begin = `MES_DATABASE_URL (${place}): 001-orders: the role that migrates lacks rights; have the owner run: `;
      expect({ code, stderr }).toEqual({ code: 1, stderr: `${begin}grant create on schema public to migrate_rights;\n` });
    });

    test('dry run, migration, again, undo', async () => {
      const url = await sharedPostgres().createDatabase('migrate_command');
      const dry = await run(url, '--dry-run', '--with-poll-index');
      expect(dry.stdout).toMatch(
        /^-- 001-orders: would create table orders:\ncreate table orders \([^]*\n-- poll-index: would create index on orders \(updated_at\)/,
      );
      expect(await catalogue(url)).toEqual([]);
      const { code, stdout } = await run(url);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^001-orders: create table orders\n[^]*002-outbox: create trigger orders_outbox_insert on public.orders, /,
      );
      expect(stdout).not.toContain('updated_at');
      expect(await run(url)).toEqual({ code: 0, stdout: 'The schema is up to date.\n', stderr: '' });
      expect((await run(url, '--undo', '--dry-run')).stdout).toMatch(
        /^-- undo: would drop trigger orders_outbox_delete on public.orders, /,
      );
      expect((await run(url, '--undo')).stdout).toContain('undo: drop table public.orders_outbox_state\n');
      expect((await run(url, '--undo')).stdout).toBe('There is no outbox to remove.\n');
      expect((await catalogue(url)).filter(({ what }) => String(what).includes('outbox'))).toEqual([]);
      expect((await run(url, '--undo', '--with-audit-log')).stdout).toContain('undo: drop table public.orders_audit\n');
      expect((await catalogue(url)).filter(({ kind }) => kind === 'column')).toHaveLength(14 + 3);
    });
  });
});
