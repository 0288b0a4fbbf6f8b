import { createHash } from 'node:crypto';
import pg from 'pg';
import type { FeedSession } from '../changes/feed-log.js';
import { sourceUnavailable } from '../errors.js';
import type { Milliseconds } from '../units.js';

/** One statement; parameters are `$1`, `$2`, … @throws GatewayError SOURCE_UNAVAILABLE */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

export type Row = Readonly<Record<string, unknown>>;

/** What the outbox's trigger notifies. */
const CHANNEL = 'orders_outbox';

/** So that the server notices within seconds that the host of a leader has vanished, and frees its lock. */
const KEEPALIVE = `select set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
  set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '11000', false)`;

const HOLDER = `from pg_locks where locktype = 'advisory' and granted and objsubid = 1
  and database = (select oid from pg_database where datname = current_database())
  and (classid::bigint << 32) | objid::bigint = $1::bigint and pid <> pg_backend_pid()`;

export interface FeedSessionOptions {
  readonly url: string;
  /** The longest that connecting or one statement may take. */
  readonly timeout: Milliseconds;
  /** Which gateways choose a leader among them. `undefined`: each leads for itself. */
  readonly group: string | undefined;
  /** Absent: the database announces nothing. */
  readonly onAnnounce?: () => void;
}

/** A connection of its own for the feed: it listens, and its advisory lock, which ends with it, makes the leader. */
export class PgFeedSession implements FeedSession {
  readonly lost: Promise<void>;
  private readonly lockKey: string | undefined;
  private former: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly client: pg.Client,
    group: string | undefined,
  ) {
    this.lockKey = group === undefined ? undefined : lockKeyOf(group);
    this.lost = new Promise((resolve) => client.once('end', resolve));
  }

  /** @throws GatewayError SOURCE_UNAVAILABLE */
  static async open({ url, timeout, group, onAnnounce }: FeedSessionOptions): Promise<PgFeedSession> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'mes-gateway feed',
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
      statement_timeout: timeout,
      keepAlive: true,
    });
    // A connection that breaks also ends, which is what is listened to.
    client.on('error', () => undefined);
    const session = new PgFeedSession(client, group);
    try {
      await client.connect();
      await session.query(KEEPALIVE);
      if (onAnnounce) {
        client.on('notification', onAnnounce);
        await session.query(`listen ${CHANNEL}`);
      }
      return session;
    } catch (error) {
      await session.close();
      throw sourceUnavailable('order database', error);
    }
  }

  /** One statement at a time, in the order of the calls. */
  readonly query: Query = (text, values = []) => {
    const answer = this.former.then(() => this.send(text, values));
    this.former = answer.catch(() => undefined);
    return answer;
  };

  async tryLead(): Promise<boolean> {
    if (this.lockKey === undefined) return true;
    const [row] = await this.query('select pg_try_advisory_lock($1::bigint) as taken', [this.lockKey]);
    return row?.['taken'] === true;
  }

  async stopLeading(): Promise<void> {
    if (this.lockKey === undefined) return;
    // Where this fails the connection is gone, and the lock with it.
    await this.query('select pg_advisory_unlock($1::bigint)', [this.lockKey]).catch(() => this.cut());
  }

  async endLeader(): Promise<void> {
    if (this.lockKey !== undefined) await this.query(`select pg_terminate_backend(pid) ${HOLDER}`, [this.lockKey]);
  }

  close(): Promise<void> {
    this.cut();
    return this.lost;
  }

  private async send(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.client.query<Record<string, unknown>>(text, [...values])).rows;
    } catch (error) {
      // After a statement without an answer nothing is known of the connection.
      if (!(error instanceof pg.DatabaseError)) this.cut();
      throw sourceUnavailable('order database', error);
    }
  }

  private cut(): void {
    const { stream } = this.client.connection;
    stream.destroy();
  }
}

/** Of all advisory locks, that of one group: 64 bits of a hash. */
function lockKeyOf(group: string): string {
  return createHash('sha256').update(`mes-gateway feed/${group}`).digest().readBigInt64BE().toString();
}
