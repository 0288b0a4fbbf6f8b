import { parseArgs } from 'node:util';
import { loadConfig } from './config.js';
import { migrate, undoOutbox } from './sources/migrations/migrate.js';

const OPTIONS = {
  'dry-run': { type: 'boolean' },
  'with-poll-index': { type: 'boolean' },
  undo: { type: 'boolean' },
  'with-audit-log': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const HELP = `npm run migrate -- [options]

Adds to the database of MES_DATABASE_URL what it lacks: the table orders and its indexes, the outbox that records changes of
orders, and the audit log (docs/database.md). What is there already is kept.

  --dry-run          print the SQL of every step, and change nothing; rights that are missing are named as comments of it
  --with-poll-index  also make an index on orders (updated_at), which CHANGE_FEED=poll reads by; it takes room, and makes
                     every update of an order dearer, since Postgres must then renew all index entries of its row (no HOT)
  --undo             remove the outbox: its triggers, functions and tables; never orders
  --with-audit-log   with --undo: remove the audit log too, and all that is in it
  --help             print this`;

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
  if (options.undo) await undoOutbox({ url, log, dryRun, withAuditLog: options['with-audit-log'] ?? false });
  else await migrate({ url, log, dryRun, withPollIndex: options['with-poll-index'] ?? false });
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

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
