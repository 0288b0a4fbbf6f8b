import fc from 'fast-check';
import pg from 'pg';
import { applyDelta } from '../src/orders/list-delta.js';
import type { TimeRange } from '../src/orders/tiles.js';
import { MesDatabase } from '../src/sources/mes-database.js';
import { migrate } from '../src/sources/migrations/migrate.js';
import { DAY, HOUR, MINUTE } from '../src/units.js';
import { freshPlant, type Plant } from './support/plant.js';
import { idOf } from './support/orders.js';
import { describeWith } from './support/servers/shared.js';

const START = Date.parse('2025-07-24T00:00Z');
const RANGES: TimeRange[] = [
  { from: START, to: START + DAY },
  { from: START + 9 * HOUR, to: START + 10 * HOUR },
];
const WRITERS = 3;

/** One step of an outside program: work in its open transaction (or begin one), or the end of that. */
interface Work {
  readonly kind: 'insert' | 'move' | 'touch' | 'delete';
  readonly writer: number;
  readonly order: number;
  readonly hour: number;
}
interface End {
  readonly kind: 'commit' | 'rollback';
  readonly writer: number;
}
type Step = Work | End | { readonly kind: 'read' };

const writer = fc.nat({ max: WRITERS - 1 });
const anyWork: fc.Arbitrary<Work> = fc.record({
  kind: fc.constantFrom('insert', 'move', 'touch', 'touch', 'delete'),
  writer,
  order: fc.nat({ max: 3 }),
  hour: fc.nat({ max: 30 }),
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: anyWork },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('commit', 'commit', 'rollback'), writer }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'read' }) },
);

const SQL: Record<string, string> = {
  insert: `insert into orders (id, number, status, created_at, updated_at, version, customer, product, material, quantity, price_minor, currency)
    values ($1, 'n', 'SUBMITTED', $2, now(), 1, 'c', 'p', 'm', 1, 1, 'EUR') on conflict do nothing`,
  move: 'update orders set created_at = $2, version = version + 1 where id = $1',
  touch: 'update orders set version = version + 1 where id = $1 and $2::timestamptz is not null',
  delete: 'delete from orders where id = $1 and $2::timestamptz is not null',
};

/** Orders belong to writers, so that no transaction waits for the lock of another one. */
const ownOrder = (step: { writer: number; order: number }): string => idOf(step.order * WRITERS + step.writer + 1);

describeWith('postgres')('lists carried on by the outbox', () => {
  let plant: Plant;
  let database: MesDatabase;
  let writers: pg.Client[];

  beforeAll(async () => {
    plant = await freshPlant();
    await migrate({ url: plant.url, log: () => undefined });
    database = new MesDatabase({ url: plant.url, poolMax: 4, timeout: 10_000 });
    writers = Array.from({ length: WRITERS }, () => new pg.Client({ connectionString: plant.url }));
    await Promise.all(writers.map((client) => client.connect()));
  });
  afterAll(async () => {
    await Promise.all(writers.map((client) => client.end()));
    await database.close();
  });

  async function take(step: Work | End, open: Set<number>): Promise<void> {
    const client = writers[step.writer]!;
    if (!('order' in step)) {
      if (open.delete(step.writer)) await client.query(step.kind);
      return;
    }
    if (!open.has(step.writer)) await client.query('begin');
    open.add(step.writer);
    const createdAt = new Date(START + step.hour * HOUR + MINUTE).toISOString();
    await client.query(SQL[step.kind]!, [ownOrder(step), createdAt]);
  }

  const readWhole = async () => {
    const { orders, since } = await database.listsCreatedIn(RANGES);
    return RANGES.map((range) => ({
      orders: orders.filter(({ createdAt }) => createdAt >= range.from && createdAt < range.to),
      basis: { range, ...since!, readWholeAt: 0 },
    }));
  };

  test('are what they would be if they were read whole, whatever the order of commits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 80, size: 'max' }), async (steps) => {
        const open = new Set<number>();
        let lists = await readWhole();
        for (const step of [...steps, { kind: 'read' } as const]) {
          if (step.kind !== 'read') {
            await take(step, open);
            continue;
          }
          const delta = await database.changesSince(lists.map(({ basis }) => basis));
          // Nothing commits between these two reads: all writers wait for the next step.
          const whole = await readWhole();
          lists = lists.map(({ orders, basis }) => ({
            orders: applyDelta(orders, delta!, basis.range),
            basis: { ...basis, snapshot: delta!.snapshot },
          }));
          expect(lists.map(({ orders }) => orders)).toEqual(whole.map(({ orders }) => orders));
        }
        await Promise.all([...open].map((each) => writers[each]!.query('rollback')));
      }),
      { numRuns: 60 },
    );
  });

  test('are not, where the outbox cannot know', async () => {
    const [list] = await readWhole();
    const [now] = await plant.query('select pg_snapshot_xmax(pg_current_snapshot())::text as xmax');
    const later = BigInt(String(now!['xmax'])) + 100n;
    const { basis } = list!;
    expect(await database.changesSince([basis])).toMatchObject({ current: [] });
    const restored = { ...basis, snapshot: `${later}:${later}:` };
    expect(await database.changesSince([restored])).toBeUndefined();
    await plant.query(`update orders_outbox_state set pruned = '${later}'`);
    expect(await database.changesSince([basis])).toBeUndefined();
    await plant.query(`update orders_outbox_state set pruned = '0'`);
    await plant.query('alter table orders_outbox rename to orders_outbox_gone');
    expect(await database.changesSince([basis])).toBeUndefined();
    await plant.query('alter table orders_outbox_gone rename to orders_outbox');
    expect(await database.changesSince([basis])).toMatchObject({ current: [] });
    // Emptied by hand, it is another record: nobody knows what it held.
    await plant.query('truncate orders_outbox');
    expect(await database.changesSince([basis])).toBeUndefined();
  });

  test('do not read what has left them, which may be of any kind', async () => {
    const [list] = await readWhole();
    const [order] = await plant.insert({ created_at: '2025-07-24T11:00:00Z' });
    const [wider] = await readWhole();
    await plant.query(`update orders set created_at = 'infinity', status = 'UNKNOWN' where id = $1`, [order!.id]);
    const delta = await database.changesSince([wider!.basis]);
    expect(applyDelta(wider!.orders, delta!, wider!.basis.range)).toEqual(list!.orders);
  });

  test('are read whole after more changes than are worth it', async () => {
    const [list] = await readWhole();
    await plant.query(`insert into orders (id, number, status, created_at, updated_at, version, customer, product, material, quantity,
      price_minor, currency) select gen_random_uuid(), 'n', 'SUBMITTED', '2025-07-24T10:00Z', now(), 1, 'c', 'p', 'm', 1, 1, 'EUR'
      from generate_series(1, 1001)`);
    expect(await database.changesSince([list!.basis])).toBeUndefined();
  });
});
