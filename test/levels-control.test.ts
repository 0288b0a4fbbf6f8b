import fc from 'fast-check';
import { createMemoryStore } from '../src/cache/keyv-store.js';
import { unavailable, type Store } from '../src/cache/store.js';
import { Closing } from '../src/compose/closing.js';
import { OpenedLevels } from '../src/compose/levels.js';
import type { WindowPolicy } from '../src/config-values.js';
import { seededRandom } from '../src/embedded/random.js';
import { listTokenKey } from '../src/orders/keys.js';
import { DWELL } from '../src/orders/level-choice.js';
import { dayOf, LevelGrid } from '../src/orders/level-grid.js';
import { newerChoice, parseShared, shared, SHARED_KEY } from '../src/orders/level-share.js';
import { tileAt } from '../src/orders/tiles.js';
import { HOUR, MIB, MINUTE, SECOND } from '../src/units.js';
import { storeWith } from './support/cache-parts.js';
import { FakeTime } from './support/fake-time.js';
import { LEVELS } from './support/levels.js';

const START = Date.parse('2025-07-24T15:20Z');
const HOUR_OF_DATA = START - 51 * HOUR - 20 * MINUTE;
const DAY_OF_DATA = dayOf(HOUR_OF_DATA);
const ANOTHER_HOUR = { from: START - 100 * HOUR, to: START - 99 * HOUR };
const GRID = new LevelGrid(LEVELS);

function setUp(store: Store = createMemoryStore(MIB)) {
  const time = new FakeTime(START);
  const lines: { message: string; what: Record<string, unknown> }[] = [];
  const say = (what: unknown, message?: string) => lines.push({ message: message ?? '', what: what as Record<string, unknown> });
  const opened: Closing[] = [];
  const instance = (windowPolicy: WindowPolicy = { kind: 'adaptive' }, on: Store = store) => {
    const settings = { levels: LEVELS, windowPolicy, tileMaxRows: 10_000, ttl: MINUTE, freshTtl: 2 * SECOND };
    const surroundings = { time, stopwatch: time.now, random: seededRandom(`instance ${opened.length}`) };
    const levels = new OpenedLevels(
      { orders: settings, lifetimes: settings, staleFor: MINUTE },
      { info: say, warn: say } as never,
      surroundings,
    );
    const closing = new Closing();
    levels.start(on, closing);
    opened.push(closing);
    return levels;
  };
  const close = () => Promise.all(opened.map((closing) => closing.run({ error: say })));
  return { time, store, lines, instance, close };
}

/** A minute in which a quarter of an hour is read and changed all the time, as one instance sees it. */
function busy(levels: OpenedLevels): void {
  const from = HOUR_OF_DATA + 15 * MINUTE;
  for (let count = 0; count < 100; count += 1) levels.wanted([{ from, to: from + 15 * MINUTE }]);
  const tokens = LEVELS.map((minutes) => listTokenKey({ kind: 'tile', tile: tileAt(from, minutes) }));
  for (let count = 0; count < 100; count += 1) levels.meter.renewed(tokens);
  levels.meter.answered(tileAt(from, 60), 1_000, false);
}

async function pass(time: FakeTime, duration: number): Promise<void> {
  for (let passed = 0; passed < duration; passed += SECOND) {
    time.advance(SECOND);
    await new Promise(setImmediate);
  }
}

describe('levels', () => {
  test('follow what is measured, with a line that holds the numbers, and stop when closed', async () => {
    const { time, lines, instance, close } = setUp();
    const levels = instance();
    busy(levels);
    await pass(time, 10 * SECOND);
    expect(levels.levelOf(DAY_OF_DATA)).toBe(15);
    expect(levels.switches).toBe(1);
    expect(levels.daysByLevel).toEqual(new Map([[15, 1], [30, 0], [60, 0]])); // prettier-ignore
    expect(lines).toMatchObject([{ message: 'window level', what: { day: '2025-07-22', from: 60, to: 15 } }]);
    expect(lines[0]!.what['costs']).toEqual(
      LEVELS.map((level) => ({ level, msPerMinute: expect.any(Number), readsPerMinute: expect.any(Number), changesPerMinute: expect.any(Number) })), // prettier-ignore
    );
    await close();
    expect(time.pending).toBe(0);
    busy(levels);
    await pass(time, 10 * MINUTE);
    expect(lines).toHaveLength(1);
  });

  test('stay for the dwell before they change again', async () => {
    const { time, instance, close } = setUp();
    const levels = instance();
    busy(levels);
    await pass(time, 10 * SECOND);
    const since = levels.table.choiceOf(DAY_OF_DATA).since;
    const wholeDay = { from: DAY_OF_DATA * 24 * HOUR, to: (DAY_OF_DATA + 1) * 24 * HOUR };
    let changedAt = 0;
    for (let second = 0; second < 300 && changedAt === 0; second += 1) {
      for (let count = 0; count < 20; count += 1) levels.wanted([wholeDay]);
      await pass(time, SECOND);
      if (levels.levelOf(DAY_OF_DATA) !== 15) changedAt = time.now();
    }
    expect(changedAt - since).toBeGreaterThanOrEqual(DWELL);
    await close();
  });

  test('that are fixed stay, and what is measured is still told', async () => {
    const { time, lines, instance, close } = setUp();
    const levels = instance({ kind: 'fixed', level: 30 });
    busy(levels);
    await pass(time, MINUTE);
    expect([levels.levelOf(DAY_OF_DATA), lines]).toEqual([30, []]);
    const [day] = levels.report({});
    expect(day).toMatchObject({ day: '2025-07-22', level: 30, since: null, cap: null });
    expect(day!.readsPerMinute).toBeGreaterThan(0);
    await close();
  });

  test('are told for the days that were asked for', () => {
    const { instance } = setUp();
    const levels = instance();
    levels.wanted([{ from: START - 48 * HOUR, to: START }]);
    const days = (range: object) => levels.report(range).map(({ day }) => day);
    expect(days({})).toEqual(['2025-07-22', '2025-07-23', '2025-07-24']);
    expect(days({ from: Date.parse('2025-07-23T00:00Z') })).toEqual(['2025-07-23', '2025-07-24']);
    expect(days({ to: Date.parse('2025-07-23T00:00Z') })).toEqual(['2025-07-22']);
    expect(() => levels.report({ from: START, to: START })).toThrow('"to" must be later than "from"');
  });
});

describe('instances that share a store', () => {
  test('agree: one decides by what both measure, and the other follows, also one that starts later', async () => {
    const { time, lines, instance, close } = setUp();
    const [a, b] = [instance(), instance()];
    busy(a);
    b.wanted([ANOTHER_HOUR]);
    await pass(time, 15 * SECOND);
    expect([a, b].map((each) => each.levelOf(DAY_OF_DATA))).toEqual([15, 15]);
    expect(lines).toHaveLength(1);
    const late = instance();
    await pass(time, SECOND);
    expect(late.levelOf(DAY_OF_DATA)).toBe(15);
    expect(late.table.isSettled(time.now())).toBe(false);
    await close();
  });

  test('see the sum of what they measure', async () => {
    const { time, instance, close } = setUp();
    const [a, b] = [instance({ kind: 'adaptive' }), instance({ kind: 'adaptive' })];
    busy(a);
    busy(b);
    await pass(time, 11 * SECOND);
    const [alone] = a.meter.demandOf(DAY_OF_DATA).reads;
    const own = alone!.reduce((sum, rate) => sum + rate, 0);
    expect(a.report({})[0]!.readsPerMinute / own).toBeCloseTo(2, 0);
    await close();
  });

  test('go on alone while the store is away, and meet again', async () => {
    const inner = createMemoryStore(MIB);
    let away = true;
    const store = storeWith(inner, {
      getMany: (keys) => (away ? Promise.resolve(unavailable('away')) : inner.getMany(keys)),
      setMany: (entries) => (away ? Promise.resolve(unavailable('away')) : inner.setMany(entries)),
    });
    const { time, instance, close } = setUp(store);
    const [a, b] = [instance(), instance()];
    busy(a);
    b.wanted([ANOTHER_HOUR]);
    await pass(time, 11 * SECOND);
    expect([a, b].map((each) => each.levelOf(DAY_OF_DATA))).toEqual([15, 60]);
    away = false;
    await pass(time, 15 * SECOND);
    expect(b.levelOf(DAY_OF_DATA)).toBe(15);
    await close();
  });

  test('survive whatever stands in the shared document, or that it is lost', async () => {
    for (const value of ['x', {}, { levels: [15, 60], choices: {}, instances: {} }, [], 7]) {
      const { time, store, instance, close } = setUp();
      await store.setMany([{ key: SHARED_KEY, value, ttl: HOUR }]);
      const levels = instance();
      busy(levels);
      await pass(time, 10 * SECOND);
      expect(levels.levelOf(DAY_OF_DATA)).toBe(15);
      await close();
    }
  });
});

describe('the shared document', () => {
  const anyLevel = fc.constantFrom(...LEVELS);
  const anyChoice = fc
    .record({ level: anyLevel, since: fc.nat(3), cap: fc.option(anyLevel, { nil: undefined }) })
    .map(({ level, since, cap }) => (cap === undefined ? { level, since } : { level: Math.min(level, cap), since, cap }));

  test('comes to the same whoever merges it with whom, in whatever order', () => {
    fc.assert(
      fc.property(anyChoice, anyChoice, anyChoice, (a, b, c) => {
        expect(newerChoice(a, b)).toEqual(newerChoice(b, a));
        expect(newerChoice(newerChoice(a, b), b)).toEqual(newerChoice(a, b));
        const together = newerChoice(newerChoice(a, b), c);
        const otherwise = newerChoice(a, newerChoice(b, c));
        expect(together).toEqual(otherwise);
        expect(together.level).toBeLessThanOrEqual(together.cap ?? Infinity);
      }),
    );
  });

  test('is read back as it was written; choices of the future are of now, and silent instances are left out', () => {
    const demand = { operations: 1.2345, reads: [[1], [2], [3]], changes: [[0], [0], [0]], rows: [4] };
    const known = { choices: new Map(), instances: { gone: { at: START - HOUR, demands: {} } } };
    const choices = new Map([[5, { level: 15, since: START + HOUR, cap: 30 }]]);
    const stored = shared(known, { id: 'me', demands: new Map([[-3, demand]]) }, choices, GRID, START);
    const read = parseShared(JSON.parse(JSON.stringify(stored)), GRID, START);
    expect(read.choices).toEqual(new Map([[5, { level: 15, since: START, cap: 30 }]]));
    expect(read.instances).toEqual({ me: { at: START, demands: { '-3': { ...demand, operations: 1.23 } } } });
  });
});
