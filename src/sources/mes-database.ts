import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import knex, { type Knex } from 'knex';
import type { Client } from 'pg';
import type { Act } from '../audit/audit.js';
import { GatewayError, sourceUnavailable } from '../errors.js';
import type { ListBasis, ListDelta } from '../orders/list-delta.js';
import { newestFirst, type Order } from '../orders/order.js';
import { checkChange, type StatusChange } from '../orders/status-flow.js';
import { mergeRanges, type TimeRange } from '../orders/tiles.js';
import { UnknownOutcomeError } from '../orders/unknown-outcome.js';
import { SECOND, type Milliseconds } from '../units.js';
import { RECORDED_SELECTION, recordBindings } from './audit-statements.js';
import { cancellable } from './cancellable.js';
import { CHANGES_MAX, CHANGES_STATEMENT, deltaOf, listsStatement, positionedListsStatement } from './list-statements.js';
import { ORDER_COLUMNS, ORDER_SELECTION, RowError, toOrder, type OrderRow } from './order-row.js';

export interface MesDatabaseOptions {
  readonly url: string;
  readonly poolMax: number;
  /** The longest that a statement, or the wait for a connection, may take. */
  readonly timeout: Milliseconds;
}

/** The most orders that one load brings into memory. */
const LOAD_MAX = 500_000;

/** Knex would print lines of its own; whatever fails reaches a caller, and by it the log. */
const SILENT = { warn: ignore, error: ignore, deprecate: ignore, debug: ignore };

function ignore(): void {
  return undefined;
}

/** The columns of the table or view that the name `orders` means, as `information_schema` calls their types. */
const COLUMNS_STATEMENT = `select attname as column_name, quote_ident(current_user) as role,
    format_type(case when typtype = 'd' then typbasetype else pg_type.oid end, null) as data_type,
    case when has_any_column_privilege(attrelid, 'select') then 'yes' else 'no' end as rights
  from pg_attribute join pg_type on pg_type.oid = atttypid
  where attrelid = to_regclass('orders') and attnum > 0 and not attisdropped`;

/** Before the statement and after it. */
export interface ChangedOrder {
  readonly before: Order;
  readonly after: Order;
}

/** Something that is a partner's: an order by its id, a file by its path. */
export interface Owned {
  readonly partnerId: string;
  readonly of: string;
}

/** The database has no table or view `orders` as the contract describes it. The message says what is missing. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/**
 * The MES database. It reads the primary: what was committed before a call is in its answer. Trouble of any kind is a
 * GatewayError `SOURCE_UNAVAILABLE` whose cause is for the log.
 */
export class MesDatabase {
  private readonly knex: Knex;

  constructor(private readonly options: MesDatabaseOptions) {
    this.knex = knex({
      client: 'pg',
      connection: {
        connectionString: options.url,
        application_name: 'mes-gateway',
        connectionTimeoutMillis: options.timeout,
        keepAlive: true,
      },
      pool: { min: 0, max: options.poolMax, afterCreate: this.limitSilence },
      acquireConnectionTimeout: options.timeout,
      log: SILENT,
    });
  }

  /** One statement for any number of ranges; newest first. */
  async ordersCreatedIn(ranges: readonly TimeRange[], signal?: AbortSignal): Promise<Order[]> {
    const orders = await this.select(listsStatement(LOAD_MAX), boundsOf(mergeRanges(ranges)), signal);
    return checkedLoad(orders);
  }

  /** The same, with the snapshot that `changesSince` takes. For databases that have the outbox, or at least Postgres 13. */
  async listsCreatedIn(
    ranges: readonly TimeRange[],
    signal?: AbortSignal,
  ): Promise<{ orders: Order[]; since?: Pick<ListBasis, 'snapshot' | 'history'> }> {
    return this.run(async () => {
      const rows = await this.rows(this.knex, positionedListsStatement(LOAD_MAX), boundsOf(mergeRanges(ranges)), signal);
      const orders = checkedLoad(rows.filter(({ snapshot }) => snapshot === null).map(toOrder));
      const last = rows.find(({ snapshot }) => snapshot !== null);
      if (typeof last?.snapshot !== 'string' || typeof last.history !== 'string') return { orders };
      return { orders, since: { snapshot: last.snapshot, history: last.history } };
    });
  }

  /** One statement on the outbox. `undefined`: it does not know all changes any more, there are too many, or it is not there. */
  async changesSince(bases: readonly ListBasis[], signal?: AbortSignal): Promise<ListDelta | undefined> {
    const bindings = [...boundsOf(bases.map(({ range }) => range)), bases.map(({ snapshot }) => snapshot), CHANGES_MAX + 1];
    try {
      return await this.run(async () => deltaOf(await this.rows(this.knex, CHANGES_STATEMENT, bindings, signal), bases));
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  /** One statement; in any order, without those that do not exist. */
  ordersById(ids: readonly string[], signal?: AbortSignal): Promise<Order[]> {
    return this.select(`select ${ORDER_SELECTION} from orders where id = any(?::uuid[])`, [[...ids]], signal);
  }

  /** One statement: which of `ids` are orders of which of `partners`. */
  ownOrders(partners: readonly string[], ids: readonly string[], signal?: AbortSignal): Promise<Owned[]> {
    return this.owned(
      'select id as thing, partner_id from orders where id = any(?::uuid[]) and partner_id = any(?)',
      ids,
      partners,
      signal,
    );
  }

  /** One statement: which of `paths` are named by orders of which of `partners`. */
  ownFiles(partners: readonly string[], paths: readonly string[], signal?: AbortSignal): Promise<Owned[]> {
    const sql = `select distinct file_path as thing, partner_id from orders where file_path = any(?) and partner_id = any(?)`;
    return this.owned(sql, paths, partners, signal);
  }

  /**
   * Changes statuses in one transaction, all or none. Rows are locked in the order of their ids, so that two such
   * transactions never wait for each other in a circle. With an `origin`, the outbox says by it whose change this is; with an
   * `act`, each change is taken down in the audit log.
   * @throws GatewayError NOT_FOUND, CONFLICT, INVALID_TRANSITION; UnknownOutcomeError if the commit was not confirmed
   */
  changeStatuses(changes: readonly StatusChange[], origin?: string, act?: Act): Promise<ChangedOrder[]> {
    const mark = `select ${ORDER_SELECTION}, set_config('mes_gateway.origin', ?, true)
      from orders where id = any(?::uuid[]) order by orders.id for update`;
    const lock = `select ${ORDER_SELECTION} from orders where id = any(?::uuid[]) order by orders.id for update`;
    const update = `update orders
      set status = change.status, version = orders.version + 1, updated_at = greatest(clock_timestamp(), orders.updated_at)
      from unnest(?::uuid[], ?::text[]) as change (id, status)
      where orders.id = change.id`;
    const ids = changes.map(({ id }) => id);
    let ready: ChangedOrder[] | undefined;
    const work = async (transaction: Knex): Promise<ChangedOrder[]> => {
      const locked = origin === undefined ? this.rows(transaction, lock, [ids]) : this.rows(transaction, mark, [origin, ids]);
      const before = byId((await locked).map(toOrder));
      for (const change of changes) checkChange(change, found(before, change.id));
      await this.rows(transaction, update, [ids, changes.map(({ status }) => status)]);
      const reread = act
        ? this.rows(transaction, RECORDED_SELECTION, [
            ids,
            ...recordBindings(
              act,
              ids.map((id) => found(before, id)),
            ),
          ])
        : this.rows(transaction, lock, [ids]);
      const after = byId((await reread).map(toOrder));
      return (ready = ids.map((id) => ({ before: found(before, id), after: found(after, id) })));
    };
    return this.run(() =>
      this.knex.transaction(work).catch((error: unknown) => {
        // All was done but the commit, which is what failed.
        throw ready ? new UnknownOutcomeError(ready, error) : error;
      }),
    );
  }

  /**
   * Checks that there is a table or view `orders` with the contract's columns.
   * @throws SchemaError naming what is missing or has another type; GatewayError when the database does not answer
   */
  async checkSchema(): Promise<void> {
    const rows = await this.run(() => this.rows(this.knex, COLUMNS_STATEMENT, []));
    const [first] = rows;
    if (!first) {
      throw new SchemaError('The database must have a table or view "orders"; "npm run migrate" makes one, but there is none.');
    }
    if (first.rights !== 'yes') {
      throw new SchemaError(
        `The role of MES_DATABASE_URL must be able to read "orders" (and to change status, updated_at and version); ` +
          `its owner gives that by: grant select, update on orders to ${String(first.role)};`,
      );
    }
    const types = new Map(rows.map((row) => [row.column_name, String(row.data_type)]));
    const problems = Object.entries(ORDER_COLUMNS).flatMap(([column, allowed]) => {
      const type = types.get(column);
      if (type === undefined) return [`"${column}" is missing (expected ${allowed[0]})`];
      return allowed.includes(type) ? [] : [`"${column}" must be ${allowed[0]}, but is ${type}`];
    });
    if (problems.length > 0) throw new SchemaError(`The table "orders" does not fit: ${problems.join('; ')}.`);
  }

  /** One statement of another reader or writer of this database, with `?` for bindings. */
  query(sql: string, bindings: readonly Knex.RawBinding[], signal?: AbortSignal): Promise<readonly OrderRow[]> {
    return this.run(() => this.rows(this.knex, sql, bindings, signal));
  }

  async ping(): Promise<void> {
    await this.run(() => this.rows(this.knex, 'select 1', []));
  }

  async close(): Promise<void> {
    await this.knex.destroy();
  }

  /** Cuts a connection on which the server says nothing for too long: BEGIN, COMMIT and ROLLBACK have no timeout in knex. */
  private readonly limitSilence = (client: Client, done: (error: Error | null, client: Client) => void): void => {
    const socket = client.connection.stream as Duplex & Pick<Socket, 'setTimeout'>;
    socket.setTimeout(this.options.timeout + SECOND, () => socket.destroy(new Error('the database is silent')));
    // The server gives a statement up when nobody waits for it any more.
    client.query(`set statement_timeout = ${this.options.timeout}`, (error) => done(error, client));
  };

  private async select(sql: string, bindings: readonly Knex.RawBinding[], signal?: AbortSignal): Promise<Order[]> {
    return this.run(async () => (await this.rows(this.knex, sql, bindings, signal)).map(toOrder));
  }

  private async owned(
    sql: string,
    things: readonly string[],
    partners: readonly string[],
    signal?: AbortSignal,
  ): Promise<Owned[]> {
    const rows = await this.run(() => this.rows(this.knex, sql, [[...things], [...partners]], signal));
    return rows.map((row) => ({ partnerId: String(row.partner_id), of: String(row.thing) }));
  }

  /** @param signal cancels the statement at the server; not for what changes something */
  private async rows(
    executor: Knex,
    sql: string,
    bindings: readonly Knex.RawBinding[],
    signal?: AbortSignal,
  ): Promise<OrderRow[]> {
    const statement = executor.raw<{ rows: OrderRow[] }>(sql, bindings).timeout(this.options.timeout);
    const result = signal ? await cancellable(this.knex, statement, signal) : await statement;
    return result.rows;
  }

  private async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      if (error instanceof RowError) {
        throw new GatewayError('SOURCE_UNAVAILABLE', 'The order database holds an order that this gateway cannot read.', {
          cause: error,
        });
      }
      throw sourceUnavailable('order database', error);
    }
  }
}

function checkedLoad(orders: Order[]): Order[] {
  if (orders.length > LOAD_MAX) {
    throw new GatewayError('BAD_USER_INPUT', `The window holds more than ${LOAD_MAX} orders; ask for a shorter one.`);
  }
  return orders.sort(newestFirst);
}

/** Whether the database understood the statement and refused it (SQLSTATE class 42): no such table, no right to read it. */
export function isRefusal(error: unknown): boolean {
  const cause = error instanceof GatewayError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && String(cause.code).startsWith('42');
}

function boundsOf(ranges: readonly TimeRange[]): [string[], string[]] {
  return [iso(ranges.map(({ from }) => from)), iso(ranges.map(({ to }) => to))];
}

function iso(times: readonly number[]): string[] {
  return times.map((time) => new Date(time).toISOString());
}

function byId(orders: readonly Order[]): Map<string, Order> {
  return new Map(orders.map((order) => [order.id, order]));
}

function found(orders: ReadonlyMap<string, Order>, id: string): Order {
  const order = orders.get(id);
  if (!order) throw new GatewayError('NOT_FOUND', `There is no order with the id ${id}.`);
  return order;
}
