import { graphql } from 'graphql';
import type { Viewer } from '../src/access/viewer.js';
import { createSchema } from '../src/graphql/server.js';
import { OrderReads } from '../src/loaders/order-reads.js';
import type { DayLevel } from '../src/loaders/level-report.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { levelsOf } from './support/orders.js';
import { UNKEPT } from './support/levels.js';

const schema = createSchema();
const QUERY = `query ($from: DateTime, $to: DateTime) { windowLevels(from: $from, to: $to) {
  day level since cap readsPerMinute hitsPerMinute changesPerMinute rowsPerMinute costs { level msPerMinute } } }`;

const DAY: DayLevel = {
  day: '2025-07-24',
  level: 15,
  since: Date.parse('2025-07-24T15:00Z'),
  cap: null,
  readsPerMinute: 120,
  hitsPerMinute: 100,
  changesPerMinute: 12.5,
  rowsPerMinute: 4,
  costs: [
    { level: 15, cost: 0.5 },
    { level: 60, cost: 2 },
  ],
};

function ask(viewer: Viewer, variableValues: Record<string, unknown> = {}) {
  const ranges: object[] = [];
  const report = (range: object): DayLevel[] => {
    ranges.push(range);
    return [DAY];
  };
  const parts = { calendar: new PlantCalendar('UTC'), levels: { ...levelsOf(() => 60), report }, clock: () => 0 };
  const orders = new OrderReads(viewer, {} as never, parts, UNKEPT);
  return { ranges, answer: graphql({ schema, source: QUERY, variableValues, contextValue: { orders } }) };
}

describe('windowLevels', () => {
  test('shows an operator how each day is cached, and why', async () => {
    const { ranges, answer } = ask({ role: 'operator', subject: 'ada' }, { from: '2025-07-24T00:00Z' });
    const { data, errors } = await answer;
    expect(errors).toBeUndefined();
    const costs = DAY.costs.map(({ level, cost }) => ({ level, msPerMinute: cost }));
    expect(JSON.parse(JSON.stringify(data))).toEqual({ windowLevels: [{ ...DAY, since: '2025-07-24T15:00:00.000Z', costs }] });
    expect(ranges).toEqual([{ from: Date.parse('2025-07-24T00:00Z'), to: undefined }]);
  });

  test.each([
    [{ role: 'partner', subject: 'bob', partnerId: 'partner-a' }, 'FORBIDDEN'],
    [{ role: 'service', subject: 'store' }, 'FORBIDDEN'],
    [{ role: 'anonymous' }, 'UNAUTHENTICATED'],
  ] as const)('refuses %j, and nothing is looked up', async (viewer, code) => {
    const { ranges, answer } = ask(viewer);
    const { data, errors } = await answer;
    expect(data).toBeNull();
    expect(errors![0]!.originalError).toMatchObject({ code });
    expect(ranges).toEqual([]);
  });
});
