import { seedPlant, type SeedResult } from '../src/embedded/seed.js';
import { openPlantWrites, type NewOrder, type PlantWrites } from '../src/embedded/plant-writes.js';
import { migrate } from '../src/sources/migrations/migrate.js';
import { DAY, HOUR, MINUTE } from '../src/units.js';
import { queryOnce } from './support/servers/postgres.js';
import { describeWith, sharedPostgres } from './support/servers/shared.js';

const log = (): void => undefined;
const START = Date.parse('2026-03-10T15:20:00Z');

describeWith('postgres')('the seeded plant', () => {
  let url: string;
  let first: SeedResult;
  const seedAt = (now: number): Promise<SeedResult> => seedPlant({ url, log, clock: () => now });
  const sql = (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> => queryOnce(url, text, values);
  const count = async (where: string): Promise<number> =>
    Number((await sql(`select count(*)::int as n from orders where ${where}`))[0]?.['n']);

  beforeAll(async () => {
    url = await sharedPostgres().createDatabase('embedded_seed');
    await migrate({ url, log });
    first = await seedAt(START);
  });

  test('has 90 days of orders at the first start', async () => {
    expect(first.inserted).toBeGreaterThan(20_000);
    expect(await count('true')).toBe(first.inserted);
    expect(await count(`created_at > '2026-03-10T00:00Z'`)).toBeGreaterThan(100);
  });

  test('gets next to nothing at a start right after', async () => {
    const { inserted, advanced } = await seedAt(START + 1);
    expect(inserted).toBeLessThan(10);
    expect(advanced).toBeLessThan(10);
  });

  test('after three days off has their orders, and open ones moved on', async () => {
    const before = await sql(`select id, version from orders where status not in ('CLOSED', 'CANCELLED')`);
    const { inserted, advanced } = await seedAt(START + 3 * DAY);
    expect(inserted).toBeGreaterThan(500);
    expect(advanced).toBeGreaterThan(500);
    const after = await sql('select id, version from orders');
    const versions = new Map(after.map((row) => [row['id'], Number(row['version'])]));
    for (const { id, version } of before) expect(versions.get(id)).toBeGreaterThanOrEqual(Number(version));
    expect(await count('updated_at < created_at')).toBe(0);
    expect(await count(`status = 'INITIATED' and file_path is not null`)).toBe(0);
    const numbers = await sql('select number from orders order by created_at, number');
    expect(new Set(numbers.map((row) => row['number'])).size).toBe(numbers.length);
  });

  test('never moves an order back that someone moved on', async () => {
    await sql(`update orders set status = 'SHIPPED', version = 9 where status = 'SUBMITTED'`);
    const shipped = await sql(`select id from orders where status = 'SHIPPED'`);
    await seedAt(START + 3 * DAY + MINUTE);
    const now = await sql('select status from orders where id = any($1)', [shipped.map((row) => row['id'])]);
    expect(new Set(now.map((row) => row['status']))).toEqual(new Set(['SHIPPED']));
  });

  test('a seeding that fails in the middle leaves nothing', async () => {
    const other = await sharedPostgres().createDatabase('embedded_seed_failure');
    await migrate({ url: other, log });
    // Not the first batch fails, but one of the last.
    await queryOnce(other, `alter table orders add check (created_at < '2026-02-20')`);
    await expect(seedPlant({ url: other, log, clock: () => START })).rejects.toThrow(/check constraint/);
    expect(await queryOnce(other, 'select count(*)::int as n from orders')).toEqual([{ n: 0 }]);
  });

  describe('writes', () => {
    let plant: PlantWrites;
    beforeAll(() => {
      plant = openPlantWrites(url);
    });
    afterAll(() => plant.close());

    const order = (id: string, createdAt: number): NewOrder => ({
      id,
      createdAt,
      updatedAt: createdAt,
      status: 'INITIATED',
      version: 1,
      partnerId: null,
      customer: 'Customer 001',
      product: 'Ring 17',
      material: 'Steel S235',
      quantity: 1,
      priceMinor: 850,
      currency: 'EUR',
      filePath: null,
    });

    test('insert an order under the next number, also several at once', async () => {
      const ids = ['1', '2', '3', '4'].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
      const made = await Promise.all(ids.map((id) => plant.insertOrder(order(id, START + 4 * DAY))));
      const serials = made.map(({ number }) => Number(number.slice(8))).sort();
      expect(serials).toEqual([0, 1, 2, 3].map((step) => serials[0]! + step));
      expect(await count(`id = '${ids[0]!}'`)).toBe(1);
    });

    test('move an order on, unless somebody else was faster', async () => {
      const id = '00000000-0000-4000-8000-000000000008';
      await plant.insertOrder(order(id, START + 4 * DAY));
      await plant.advanceOrder(id, 'FILE_UPLOADED', 1);
      await plant.advanceOrder(id, 'CANCELLED', 1);
      expect(await queryOnce(url, 'select status, version from orders where id = $1', [id])).toEqual([
        { status: 'FILE_UPLOADED', version: 2 },
      ]);
    });

    test('pick open orders of the last 30 days', async () => {
      await plant.insertOrder(order('00000000-0000-4000-8000-000000000009', Date.now() - HOUR));
      const picked = await plant.pickOpenOrders(3);
      expect(picked.length).toBeGreaterThan(0);
      for (const { status } of picked) expect(['CLOSED', 'CANCELLED']).not.toContain(status);
    });
  });
});
