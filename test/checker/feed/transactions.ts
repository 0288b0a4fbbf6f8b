import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { between, type Random } from '../../../src/embedded/random.js';
import type { Subject } from './subject.js';
import type { Watcher } from './watcher.js';
import type { FeedWorld } from './world.js';

/** What the transactions of one kind are like. */
export interface Style {
  readonly size: { readonly least: number; readonly most: number };
  /** Milliseconds between two statements. */
  readonly pause: { readonly least: number; readonly most: number };
  /** Milliseconds from the last statement to the commit. */
  readonly heldOpen: { readonly least: number; readonly most: number };
}

/** Most have several statements; a bulk is one. */
export const STYLES = {
  common: { size: { least: 1, most: 50 }, pause: { least: 0, most: 30 }, heldOpen: { least: 0, most: 40 } },
  held: { size: { least: 1, most: 50 }, pause: { least: 0, most: 200 }, heldOpen: { least: 2_000, most: 6_000 } },
  bulk: { size: { least: 300, most: 700 }, pause: { least: 0, most: 0 }, heldOpen: { least: 0, most: 20 } },
} as const satisfies Record<string, Style>;

const ROLLED_BACK = 0.06;
const WITH_SAVEPOINT = 0.2;
const DELETED = 0.02;
const STATEMENT_MOST = 20;

const COLUMNS = `id, number, status, created_at, updated_at, version, partner_id, customer, product, material, quantity,
  price_minor, currency, file_path`;
const UPDATE = `update orders set version = version + 1, updated_at = clock_timestamp() where id = any($1::uuid[])`;
const DELETE = 'delete from orders where id = any($1::uuid[])';
const INSERT = `insert into orders (${COLUMNS})
  select id, 'ORD-1', 'SUBMITTED', to_timestamp(created / 1000), clock_timestamp(), version, 'partner-a', 'Werk Nord', 'ring', 'steel', 1,
    12950, 'EUR', null from unnest($1::uuid[], $2::float8[], $3::int[]) as made (id, created, version)`;

/** What one transaction makes of an order. */
interface Write {
  readonly subject: Subject;
  readonly act: 'update' | 'delete' | 'insert';
}

/** When the transactions that were committed began to write, at the latest. */
export interface Commits {
  latestBegin: number;
}

export interface TransactionParts {
  readonly world: FeedWorld;
  readonly watcher: Watcher;
  readonly commits: Commits;
  readonly client: pg.Client;
  readonly random: Random;
}

/** Changes these orders, all of which are busy for it, and lets go of those that it has not changed. */
export async function runTransaction(parts: TransactionParts, subjects: readonly Subject[], style: Style): Promise<void> {
  const { world, watcher, client, random } = parts;
  const began = performance.now();
  await client.query('begin');
  const kept: Write[] = [];
  const undone: Write[] = [];
  for (const some of sliced(subjects, style, random)) {
    const writes = some.map((subject) => ({ subject, act: actOn(subject, world, random) }));
    const undoes = random() < WITH_SAVEPOINT && style.size.least === 1;
    if (undoes) await client.query('savepoint s');
    await write(client, writes);
    if (undoes && random() < 0.5) await client.query('rollback to savepoint s').then(() => undone.push(...writes));
    else kept.push(...writes);
    await sleep(between(random, style.pause.least, style.pause.most));
  }
  await sleep(between(random, style.heldOpen.least, style.heldOpen.most));
  if (undone.length > 0) world.report.savepointRollbacks += 1;
  if (random() < ROLLED_BACK) {
    await client.query('rollback');
    world.report.rollbacks += 1;
    undone.push(...kept);
  } else if (kept.length > 0) {
    const cached = kept.map(({ subject }) => cachedBy(world, subject));
    await client.query('commit');
    countCommit(parts, kept, cached, began);
    take(kept, performance.now());
    watcher.watch(kept.map(({ subject }) => subject));
  } else await client.query('rollback');
  for (const { subject } of undone) subject.busy = false;
}

function sliced(subjects: readonly Subject[], { size, pause }: Style, random: Random): Subject[][] {
  if (pause.most === 0 && size.least > 1) return [[...subjects]];
  const slices: Subject[][] = [];
  for (let from = 0; from < subjects.length;) {
    const to = from + between(random, 1, STATEMENT_MOST);
    slices.push(subjects.slice(from, to));
    from = to;
  }
  return slices;
}

function actOn({ gone }: Subject, { options }: FeedWorld, random: Random): Write['act'] {
  if (gone) return 'insert';
  return options.feed === 'outbox' && random() < DELETED ? 'delete' : 'update';
}

async function write(client: pg.Client, writes: readonly Write[]): Promise<void> {
  const of = (act: Write['act']) => writes.filter((each) => each.act === act).map(({ subject }) => subject);
  const ids = (subjects: readonly Subject[]) => subjects.map(({ id }) => id);
  const [updated, deleted, inserted] = [of('update'), of('delete'), of('insert')];
  if (updated.length > 0) await client.query(UPDATE, [ids(updated)]);
  if (deleted.length > 0) await client.query(DELETE, [ids(deleted)]);
  if (inserted.length === 0) return;
  const [places, versions] = [inserted.map(({ createdAt }) => createdAt), inserted.map(({ version }) => version + 1)];
  await client.query(INSERT, [ids(inserted), places, versions]);
}

/** Who holds the version before in a cached entry: each gateway has shown it, and nothing but a change ends the entry. */
function cachedBy({ places }: FeedWorld, { shownBy }: Subject): 'all' | 'store' | 'none' {
  if (places.every(({ index, name, isUp }) => isUp && shownBy[index] === name)) return 'all';
  return places.every(({ index }) => shownBy[index] !== undefined) ? 'store' : 'none';
}

function countCommit(
  { world: { report }, commits }: TransactionParts,
  kept: readonly Write[],
  cached: readonly ReturnType<typeof cachedBy>[],
  began: number,
): void {
  report.transactions += 1;
  report.changes += kept.length;
  report.deletions += kept.filter(({ act }) => act === 'delete').length;
  report.cachedByAll += cached.filter((by) => by === 'all').length;
  report.cachedInStore += cached.filter((by) => by === 'store').length;
  if (began < commits.latestBegin) {
    report.lateTransactions += 1;
    report.lateChanges += kept.length;
  }
  commits.latestBegin = Math.max(commits.latestBegin, began);
}

function take(kept: readonly Write[], committedAt: number): void {
  for (const { subject, act } of kept) {
    if (act !== 'delete') subject.version += 1;
    subject.gone = act === 'delete';
    subject.committedAt = committedAt;
    subject.shownBy.fill(undefined);
  }
}
