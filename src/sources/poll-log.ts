import type { ChangeLog, LoggedChange } from '../changes/change-log.js';
import type { FeedLog, FeedRead } from '../changes/feed-log.js';
import { parseSnapshot } from '../changes/snapshot.js';
import type { OrderFootprint } from '../changes/touched.js';
import { SECOND, type EpochMilliseconds, type Milliseconds, type Snapshot } from '../units.js';
import type { Query, Row } from './feed-session.js';
import { milliseconds } from './order-row.js';

/** How long a transaction may have been open before it wrote its first row, with the time of its begin in it. */
const OVERLAP: Milliseconds = 10 * SECOND;
const PAGE = 5_000;

/** The time of a statement is that of its arrival, and so before its snapshot. */
const HEAD = `select pg_current_snapshot()::text as snapshot, (extract(epoch from statement_timestamp()) * 1000)::float8 as now,
    array(select transactionid::text from pg_locks where locktype = 'transactionid') as writing`;

/** Each page is read as of a moment of its own, later than the head's. */
const ROWS = `select pg_current_snapshot()::text as snapshot, id::text, version::text, updated_at::text as updated, ${milliseconds('updated_at')}, ${milliseconds('created_at')},
    partner_id, file_path
  from orders where orders.updated_at >= to_timestamp($1::float8 / 1000) and (orders.updated_at, orders.id) > ($2::timestamptz, $3::uuid)
  order by orders.updated_at, orders.id limit ${PAGE}`;

/** An order as it was seen last. */
interface Seen {
  readonly version: string;
  /** With microseconds. */
  readonly updated: string;
  readonly updatedAt: EpochMilliseconds;
  readonly footprint: OrderFootprint;
}

/** A moment, and a number above those of all transactions that had begun to write by then. */
interface Sample {
  readonly at: EpochMilliseconds;
  readonly bound: bigint;
}

/** What is known at a position. */
interface Known {
  readonly position: Snapshot | undefined;
  /** Every transaction that had begun to write by then has finished. */
  readonly watermark: EpochMilliseconds;
  /** In the order of the moments. */
  readonly samples: readonly Sample[];
  /** By id: all orders seen that were updated after the watermark less the overlap. */
  readonly seen: ReadonlyMap<string, Seen>;
}

/**
 * The history of changes by asking again and again which orders were updated lately, for a database to which nothing may be
 * added. It depends on writers that set `updated_at`, cannot see that an order was deleted, and not what was between two reads.
 *
 * An order that is updated at `t` may become visible long after `t`, when its transaction commits. So `t` is read again until
 * every transaction that could still bring it has finished: the watermark is the latest moment of a former read all of whose
 * transactions are below the current `xmin`. What was seen is remembered from there on, so that nothing is told twice.
 *
 * A position is the snapshot, and the watermark after a space. It belongs to one consumer, for it remembers.
 */
export class PollLog implements ChangeLog, FeedLog {
  /** At the position that the consumer had last asked from, and at the one that it got then. */
  private former: Known | undefined;
  private latter: Known | undefined;

  constructor(
    private readonly query: Query,
    private readonly retention: Milliseconds,
  ) {}

  async read(since: Snapshot | undefined): Promise<FeedRead> {
    const [row] = await this.query(HEAD);
    const [snapshot, now] = [String(row?.['snapshot']), Number(row?.['now'])];
    const known = this.knownAt(since, now);
    const { xmin, xmax } = parseSnapshot(snapshot);
    const samples = [...known.samples, { at: now, bound: boundOf(xmax, row?.['writing']) }];
    const safe = samples.findLast(({ bound }) => bound <= xmin);
    const watermark = safe?.at ?? known.watermark;
    const position = `${snapshot} ${watermark}`;
    const seen = new Map(known.seen);
    const after = { position, watermark, samples: samples.filter(({ at }) => at > watermark), seen };
    this.former = known;
    const finish = () => {
      for (const [id, { updatedAt }] of seen) if (updatedAt < watermark - OVERLAP) seen.delete(id);
      this.latter = after;
    };
    const shown = { snapshot };
    const waited = now - (known.samples.at(-1)?.at ?? now);
    return { snapshot: position, age: waited, pages: this.pages(known, seen, shown, finish), shows: () => shown.snapshot };
  }

  /** There always may be. */
  isBehind(): Promise<boolean> {
    return Promise.resolve(true);
  }

  prune(): Promise<number> {
    return Promise.resolve(0);
  }

  private knownAt(since: Snapshot | undefined, now: EpochMilliseconds): Known {
    const known = [this.latter, this.former].find((one) => one && one.position === since);
    if (known) return known;
    const stored = Number(since?.split(' ')[1] ?? NaN);
    const watermark = Number.isNaN(stored) ? now - this.retention : stored;
    return { position: since, watermark, samples: [], seen: new Map() };
  }

  private async *pages(
    { watermark }: Known,
    seen: Map<string, Seen>,
    shown: { snapshot: Snapshot },
    finish: () => void,
  ): AsyncGenerator<LoggedChange[]> {
    let place: readonly [string, string] = ['-infinity', '00000000-0000-0000-0000-000000000000'];
    for (;;) {
      const rows = await this.query(ROWS, [watermark - OVERLAP, ...place]);
      if (rows[0]) shown.snapshot = String(rows[0]['snapshot']);
      const changes = rows.flatMap((row) => changeOf(row, seen));
      if (changes.length > 0) yield changes;
      const end = rows.at(-1);
      if (!end || rows.length < PAGE) return finish();
      place = [String(end['updated']), String(end['id'])];
    }
  }
}

/**
 * The `xmax` of a snapshot follows the last transaction that has finished: those that write may have greater numbers. Each
 * holds the lock of its number, of which Postgres shows the lower 32 bits.
 */
function boundOf(xmax: bigint, writing: unknown): bigint {
  const numbers = (Array.isArray(writing) ? writing : []).map((each) => xmax + BigInt.asIntN(32, BigInt(String(each)) - xmax));
  return numbers.reduce((bound, number) => (number >= bound ? number + 1n : bound), xmax);
}

/** `before` is null also when it is not known. */
function changeOf(row: Row, seen: Map<string, Seen>): LoggedChange[] {
  const order = toSeen(row);
  const { id } = order.footprint;
  const before = seen.get(id);
  if (before && before.version === order.version && before.updated === order.updated) return [];
  seen.set(id, order);
  return [{ before: before?.footprint ?? null, after: order.footprint }];
}

function toSeen(row: Row): Seen {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    version: String(row['version']),
    updated: String(row['updated']),
    updatedAt: Number(row['updated_at']),
    footprint: {
      id: String(row['id']),
      createdAt: Number(row['created_at']),
      partnerId: text(row['partner_id']),
      filePath: text(row['file_path']),
    },
  };
}
