import type { ChangeLog, LoggedChange } from '../changes/change-log.js';
import type { FeedLog, FeedRead } from '../changes/feed-log.js';
import { bareSnapshot, parseSnapshot } from '../changes/snapshot.js';
import { END_LISTED, FIRST_LISTED, type OrderFootprint } from '../changes/touched.js';
import type { EpochMilliseconds, Snapshot } from '../units.js';
import type { Query, Row } from './feed-session.js';
import { milliseconds } from './order-row.js';

export interface OutboxLimits {
  /** Rows that one statement brings into memory. */
  readonly page: number;
  /** A read of more rows is not looked at order by order. */
  readonly backlog: number;
}

const LIMITS: OutboxLimits = { page: 5_000, backlog: 200_000 };

/** Not visible in the snapshot with this xmax ($1) and these transactions in progress ($2); so written, both find the index. */
const NEW = '(xid >= $1::xid8 or xid = any($2::text[]::xid8[]))';

/** Rows that a restored copy brought along may have numbers that this database has yet to give out: they are of no time. */
const HEAD = `with fresh as materialized (
    select id, at from orders_outbox where ${NEW} and xid < pg_snapshot_xmax(pg_current_snapshot())
  )
  select pg_current_snapshot()::text as snapshot, count(*)::float8 as size, min(id)::text as first, max(id)::text as last,
    coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float8 * 1000 as age
  from fresh`;

const COLUMNS = `id::text, order_id::text, origin, partner_before, partner_after, file_before, file_after,
  created_before is null as made, ${milliseconds('created_before')}, created_after is null as gone, ${milliseconds('created_after')}`;

/** All that a statement after the head's may show of the read: what became visible up to the head's snapshot ($3). */
const FEW = `select ${COLUMNS} from orders_outbox where ${NEW} and pg_visible_in_snapshot(xid, $3::pg_snapshot)
  order by orders_outbox.id`;

/** The same by ranges of ids, above $3 up to $4: what is found of many depends on no estimate of the planner. */
const RANGE = `pg_visible_in_snapshot(xid, $1::pg_snapshot) and not pg_visible_in_snapshot(xid, $2::pg_snapshot)
  and id > $3::bigint and id <= $4::bigint`;

const SOME = `select ${COLUMNS} from orders_outbox where ${RANGE} order by orders_outbox.id`;

const DAYS = `select distinct (extract(epoch from date_trunc('day', at_time at time zone 'UTC')) * 1000)::float8 as day
  from orders_outbox, lateral (values (created_before), (created_after)) as places (at_time)
  where ${RANGE} and at_time >= $5::timestamptz and at_time < $6::timestamptz`;

/** In which nothing is visible. */
const BEGINNING: Snapshot = '1:1:';

/** Readers are told in the same transaction. */
const PRUNE = `with told as (update orders_outbox_state set pruned = $1::xid8 where pruned < $1::xid8),
    old as materialized (select id from orders_outbox where xid < $1::xid8 order by xid limit $2)
  delete from orders_outbox where id in (select id from old) returning 1`;

/** What a read asks for, and what it found. */
interface Head {
  readonly since: Snapshot;
  readonly snapshot: Snapshot;
  readonly size: number;
  /** Its rows have ids above `after`, up to `last`. */
  readonly after: bigint;
  readonly last: bigint;
  readonly age: number;
}

/**
 * The outbox that triggers on `orders` fill, in the transaction of whoever writes.
 *
 * A position is a whole snapshot, because transactions commit in another order than they begin or number their rows in: what
 * is new is what was not visible then and is now, so a transaction that stays open delays nothing but itself.
 */
export class OutboxLog implements ChangeLog, FeedLog {
  constructor(
    private readonly query: Query,
    private readonly limits: OutboxLimits = LIMITS,
  ) {}

  async read(since: Snapshot | undefined): Promise<FeedRead> {
    const head = await this.head(since);
    return {
      snapshot: head.snapshot,
      shows: () => head.snapshot,
      age: head.age,
      pages: this.pages(head),
      ...(head.size > this.limits.backlog && { wholeDays: () => this.days(head) }),
    };
  }

  async isBehind(position: Snapshot | undefined): Promise<boolean> {
    return (await this.head(position)).size > 0;
  }

  async prune(xid: bigint): Promise<number> {
    return (await this.query(PRUNE, [xid.toString(), this.limits.page])).length;
  }

  private async head(position: Snapshot = BEGINNING): Promise<Head> {
    const since = bareSnapshot(position);
    const [row] = await this.query(HEAD, newSince(since));
    const snapshot = String(row?.['snapshot']);
    // A database that was restored elsewhere, or is another one: the position says nothing about it.
    if (parseSnapshot(since).xmax > parseSnapshot(snapshot).xmax) return this.head();
    const [size, age] = [Number(row?.['size']), Number(row?.['age'])];
    if (size === 0) return { since, snapshot, size, age, after: 0n, last: 0n };
    return { since, snapshot, size, age, after: BigInt(String(row?.['first'])) - 1n, last: BigInt(String(row?.['last'])) };
  }

  private async *pages({ since, snapshot, size, after, last }: Head): AsyncGenerator<readonly LoggedChange[]> {
    const { page } = this.limits;
    if (size === 0) return;
    if (size <= page) {
      yield (await this.query(FEW, [...newSince(since), snapshot])).map(toChange);
      return;
    }
    for (let from = after; from < last; from += BigInt(page)) {
      const to = from + BigInt(page) < last ? from + BigInt(page) : last;
      const rows = await this.query(SOME, [snapshot, since, from.toString(), to.toString()]);
      if (rows.length > 0) yield rows.map(toChange);
    }
  }

  private async days({ since, snapshot, after, last }: Head): Promise<EpochMilliseconds[]> {
    const listed = [FIRST_LISTED, END_LISTED].map((time) => new Date(time).toISOString());
    const rows = await this.query(DAYS, [snapshot, since, after.toString(), last.toString(), ...listed]);
    return rows.map((row) => Number(row['day']));
  }
}

/** Parameters of NEW. */
function newSince(since: Snapshot): [xmax: string, inProgress: string[]] {
  const { xmax, inProgress } = parseSnapshot(since);
  return [xmax.toString(), [...inProgress].map(String)];
}

function toChange(row: Row): LoggedChange {
  const before = row['made'] === true ? null : footprint(row, 'before');
  const after = row['gone'] === true ? null : footprint(row, 'after');
  return { before, after, ...(typeof row['origin'] === 'string' && { origin: row['origin'] }) };
}

/** `createdAt` may be infinite, which no list holds. */
function footprint(row: Row, which: 'before' | 'after'): OrderFootprint {
  return {
    id: String(row['order_id']),
    createdAt: Number(row[`created_${which}`]),
    partnerId: optional(row[`partner_${which}`]),
    filePath: optional(row[`file_${which}`]),
  };
}

function optional(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
