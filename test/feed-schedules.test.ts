import fc from 'fast-check';
import pg from 'pg';
import type { ChangeLog, ChangeRead, LoggedChange } from '../src/changes/change-log.js';
import { covers, parseSnapshot } from '../src/changes/snapshot.js';
import type { PgFeedSession, Query } from '../src/sources/feed-session.js';
import { OutboxLog } from '../src/sources/outbox-log.js';
import { changesOf, openSession, outboxPlant } from './support/feed.js';
import type { Plant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';

const WRITERS = 4;
const ORDERS = 6;

/** `undo` rolls back to the savepoint, so that transactions have parts with numbers of their own. */
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('write'), writer: fc.nat(WRITERS - 1), order: fc.nat(ORDERS - 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constantFrom('commit', 'rollback', 'savepoint', 'undo'), writer: fc.nat(WRITERS - 1) }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('read') }) },
) as fc.Arbitrary<Step>;

interface Step {
  readonly act: 'write' | 'commit' | 'rollback' | 'savepoint' | 'undo' | 'read';
  readonly writer?: number;
  readonly order?: number;
}

/** A change is told apart by the file that it gave the order. */
interface Write {
  readonly order: number;
  readonly file: string;
}

/** One writer's transaction: what it has written, and how much of that before the savepoint. */
interface Open {
  writes: Write[];
  saved?: number;
}

describeWith('postgres')('transactions that begin, write and commit in any order', () => {
  let plant: Plant;
  let session: PgFeedSession;
  let ids: string[];
  let clients: pg.Client[];
  let serial = 0;

  beforeAll(async () => {
    plant = await outboxPlant();
    session = await openSession(plant.url);
    ids = (await plant.insert(...Array.from({ length: ORDERS }, () => ({})))).map(({ id }) => id);
    clients = await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        const client = new pg.Client({ connectionString: plant.url });
        await client.connect();
        return client;
      }),
    );
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await session.close();
  });

  /** Runs the steps; answers what was committed, in its order, and what the log told. */
  async function run(log: ChangeLog, steps: readonly Step[]) {
    const open = new Map<number, Open>();
    const [committed, told]: Write[][] = [[], []];
    let position = (await log.read(undefined)).snapshot;
    const read = async () => {
      const got = await log.read(position);
      for (const { after } of await changesOf(got)) told!.push({ order: ids.indexOf(after!.id), file: after!.filePath! });
      expect(covers(parseSnapshot(got.snapshot), parseSnapshot(position))).toBe(true);
      position = got.snapshot;
    };
    const end = async (writer: number, act: 'commit' | 'rollback') => {
      const transaction = open.get(writer);
      if (!transaction) return;
      open.delete(writer);
      await clients[writer]!.query(act);
      if (act === 'commit') committed!.push(...transaction.writes);
    };
    for (const { act, writer = 0, order = 0 } of steps) {
      const client = clients[writer]!;
      const transaction = open.get(writer);
      if (act === 'read') await read();
      else if (act === 'commit' || act === 'rollback') await end(writer, act);
      else if (act === 'savepoint' && transaction) {
        await client.query('savepoint s');
        transaction.saved = transaction.writes.length;
      } else if (act === 'undo' && transaction?.saved !== undefined) {
        await client.query('rollback to savepoint s');
        transaction.writes.length = transaction.saved;
      } else if (
        act === 'write' &&
        ![...open].some(([other, { writes }]) => other !== writer && writes.some((one) => one.order === order))
      ) {
        // A row that another transaction has locked would be waited for.
        if (!transaction) await client.query('begin');
        const file = `f${++serial}`;
        await client.query('update orders set file_path = $1 where id = $2', [file, ids[order]]);
        if (transaction) transaction.writes.push({ order, file });
        else open.set(writer, { writes: [{ order, file }] });
      }
    }
    for (const writer of [...open.keys()]) await end(writer, 'commit');
    await read();
    return { committed: committed!, told: told! };
  }

  const byOrder = (writes: readonly Write[]) =>
    Array.from({ length: ORDERS }, (_, order) => writes.filter((write) => write.order === order).map(({ file }) => file));
  const exact = (log: ChangeLog) =>
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 60 }), async (steps) => {
      const { committed, told } = await run(log, steps);
      expect(byOrder(told)).toEqual(byOrder(committed));
    });

  test('every change that was committed is told once, for each order in the order of its commits', async () => {
    await fc.assert(exact(new OutboxLog(session.query, { page: 4, backlog: 1_000_000 })), { numRuns: 60 });
  }, 120_000);

  test('a log whose position is the last row number is found to pass over changes', async () => {
    const details = await fc.check(exact(new SerialLog(session.query)), { numRuns: 60, endOnFailure: true });
    expect(details.failed).toBe(true);
  }, 120_000);

  test('a log whose position is the last transaction number is found to pass over changes', async () => {
    const details = await fc.check(exact(new SerialLog(session.query, 'xid')), { numRuns: 60, endOnFailure: true });
    expect(details.failed).toBe(true);
  }, 120_000);
});

/** Wrong on purpose: what comes after the greatest number that was seen. */
class SerialLog implements ChangeLog {
  private last = '0';

  constructor(
    private readonly query: Query,
    private readonly column: 'id' | 'xid' = 'id',
  ) {}

  async read(): Promise<ChangeRead> {
    const [row] = await this.query('select pg_current_snapshot()::text as snapshot');
    const rows = await this.query(
      `select ${this.column}::text as last, order_id::text, file_after from orders_outbox
       where ${this.column} > $1::text::${this.column === 'id' ? 'bigint' : 'xid8'} order by orders_outbox.${this.column}, orders_outbox.id`,
      [this.last],
    );
    this.last = (rows.at(-1)?.['last'] as string | undefined) ?? this.last;
    const changes = rows.map((each): LoggedChange => {
      const order = {
        id: String(each['order_id']),
        createdAt: 0,
        partnerId: null,
        filePath: each['file_after'] as string | null,
      };
      return { before: order, after: order };
    });
    const pages = async function* () {
      yield changes;
    };
    const snapshot = String(row!['snapshot']);
    return { snapshot, pages: pages(), shows: () => snapshot };
  }
}
