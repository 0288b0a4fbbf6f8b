import { parseArgs } from 'node:util';
import { loadConfig } from './config.js';
import { migrate, undoOutbox } from './sources/migrations/migrate.js';

const OPTIONS = {
  'dry-run': {
    type: 'boolean',
    does: 'print the SQL of every step, and change nothing; rights that are missing are named as comments of it',
  },
  'with-poll-index': {
    type: 'boolean',
    does: `also make an index on orders (updated_at), which CHANGE_FEED=poll reads by; it takes room, and makes
every update of an order dearer, since Postgres must then renew all index entries of its row (no HOT)`,
  },
  undo: { type: 'boolean', does: 'remove the outbox: its triggers, functions and tables; never orders' },
  'with-audit-log': { type: 'boolean', does: 'with --undo: remove the audit log too, and all that is in it' },
  help: { type: 'boolean', does: 'print this' },
} as const;

const COLUMN = 21;
const HELP = `npm run migrate -- [options]

Adds to the database of MES_DATABASE_URL what it lacks: the table orders and its indexes, the outbox that records changes of
orders, and the audit log (docs/database.md). What is there already is kept.

${Object.entries(OPTIONS)
  .map(([name, { does }]) => `  --${name}`.padEnd(COLUMN) + does.replaceAll('\n', `\n${' '.repeat(COLUMN)}`))
  .join('\n')}`;

type Options = Partial<Record<keyof typeof OPTIONS, boolean>>;

async function main(args: string[]): Promise<void> {
  const options = parsed(args);
  if (options.help) return console.log(HELP);
  const { url } = loadConfig(process.env).database;
  if (url === undefined) {
    throw new Error(
      'MES_DATABASE_URL must name the database to migrate, such as postgres://user@host:5432/mes. (The embedded database migrates itself.)',
    );
  }
  const log = (line: string): void => console.log(line);
  const dryRun = options['dry-run'] ?? false;
  const work = options.undo
    ? undoOutbox({ url, log, dryRun, withAuditLog: options['with-audit-log'] ?? false })
    : migrate({ url, log, dryRun, withPollIndex: options['with-poll-index'] ?? false });
  await work.catch((error: unknown) => {
    throw new Error(`MES_DATABASE_URL (${placeOf(url)}): ${reasonOf(error)}`, { cause: error });
  });
}

/** Host and port, or the folder of a socket; never the password. */
function placeOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? hostname;
  if (host === '') return 'no host named';
  return host.startsWith('/') ? host : `${host}:${searchParams.get('port') ?? (port || '5432')}`;
}

/** Of a name with several addresses, each has failed for a reason of its own, and their sum has no message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** @throws Error naming the argument that is not known */
function parsed(args: string[]): Options {
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    const known = token.kind === 'option' && token.name in OPTIONS && token.value === undefined;
    if (!known) throw new Error(`Options must be among ${flags().join(', ')}, but got: ${args[token.index] ?? ''}`);
  }
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.undo && values['with-poll-index']) throw new Error('--undo removes the outbox only; leave --with-poll-index out.');
  if (values['with-audit-log'] && !values.undo)
    throw new Error('--with-audit-log is for --undo; without it the audit log is made anyway.');
  return values;
}

function flags(): string[] {
  return Object.keys(OPTIONS).map((name) => `--${name}`);
}

/** Whoever reads may go away, as `head` does: steps go on as if nobody had read. Output that is lost otherwise makes the command fail. */
function outliveReaders(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    console.error(`The output could not be written: ${message}`);
    process.exitCode = 1;
  });
}

outliveReaders();
main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
