import fc from 'fast-check';
import { choose, DWELL, EVIDENCE_MIN, GAIN_MIN } from '../src/orders/level-choice.js';
import { fillRate, type DayDemand, type Prices } from '../src/orders/level-cost.js';
import { costsOf } from '../src/orders/level-decide.js';
import { dayOf, LevelGrid } from '../src/orders/level-grid.js';
import { LinearCost } from '../src/orders/level-regression.js';
import { cover } from '../src/orders/tiles.js';
import { filled } from './support/levels.js';
import { DAY, MINUTE, SECOND } from '../src/units.js';

const NOW = Date.parse('2025-07-24T15:20Z');
const PAST = dayOf(NOW) - 3;
const GRID = new LevelGrid([15, 30, 60]);
const PRICES: Prices = { statement: 1.3, row: 0.012, lookup: 0.014 };
const LIFETIMES = { ttl: MINUTE, freshTtl: 2 * SECOND };

/** Reads and changes per minute, spread evenly over a day; `width`: minutes that an operation reads. */
function demandOf({ operations = 1, width = 15, changes = 0, rows = 4, grid = GRID } = {}): DayDemand {
  const even = (index: number, total: number) => filled(grid.units(index), total / grid.units(index));
  return {
    operations,
    reads: grid.levels.map((level, index) => even(index, operations * Math.ceil(width / level))),
    changes: grid.levels.map((_, index) => even(index, changes)),
    rows: filled(grid.buckets, rows),
  };
}

function cheapest(demand: DayDemand, day = PAST, prices = PRICES): number {
  const costs = costsOf(GRID, { day, demand, now: NOW }, { prices, lifetimes: LIFETIMES });
  return costs.reduce((best, each) => (each.cost < best.cost ? each : best)).level;
}

const anyRate = fc.double({ min: 0.01, max: 1_000, noNaN: true });

describe('what a level costs', () => {
  test('of narrow reads under many changes, the smallest is the cheapest; of wide reads without changes, the largest', () => {
    expect(cheapest(demandOf({ operations: 500, width: 15, changes: 500 }))).toBe(15);
    expect(cheapest(demandOf({ operations: 500, width: 1440 }))).toBe(60);
  });

  test('falls with the size of changes: what is cheapest never grows when more changes', () => {
    const anyDemand = fc.record({ operations: anyRate, width: fc.constantFrom(15, 60, 360, 1440), rows: anyRate });
    fc.assert(
      fc.property(anyDemand, anyRate, fc.double({ min: 1, max: 100, noNaN: true }), (some, changes, factor) => {
        // Look-ups and statements apart, a fill costs what it loads.
        const free = { ...PRICES, statement: 0, lookup: 0 };
        const [few, many] = [changes, changes * factor].map((each) => cheapest(demandOf({ ...some, changes: each }), PAST, free));
        expect(many).toBeLessThanOrEqual(few!);
      }),
    );
  });

  test('is the formula of the design where its assumptions hold', () => {
    const [rho, lambda, rows] = [0.5, 0.02, 3];
    const grid = new LevelGrid([60]);
    const tiles = 24;
    const demand = demandOf({ operations: rho * tiles, width: 60, changes: lambda * tiles, rows, grid });
    const [cost] = costsOf(
      grid,
      { day: PAST, demand, now: NOW },
      { prices: PRICES, lifetimes: { ttl: 1e9 * DAY, freshTtl: SECOND } },
    );
    const { statement: a, row: b, lookup: c } = PRICES;
    const expected = tiles * (((rho * lambda) / (rho + lambda)) * (a + b * rows * 60) + rho * c);
    expect(cost!.cost).toBeCloseTo(expected, 6);
  });

  test('counts one statement for all that an operation misses', () => {
    const grid = new LevelGrid([60]);
    const only = { statement: 1, row: 0, lookup: 0 };
    // So rarely that everything has expired in between.
    const demand = demandOf({ operations: 0.001, width: 1440, grid });
    const [cost] = costsOf(grid, { day: PAST, demand, now: NOW }, { prices: only, lifetimes: LIFETIMES });
    expect(cost!.cost).toBeCloseTo(0.001, 5);
  });

  test('of today: the tile that contains now ends soon, so a small one is cheaper', () => {
    const day = dayOf(NOW);
    const reads = (index: number) => filled(24, 0).map((_, unit) => (unit === 15 ? 30 * (index === 0 ? 2 : 1) : 0));
    const demand = { ...demandOf(), operations: 30, reads: [0, 1, 2].map(reads) };
    expect(cheapest(demand, day)).toBe(15);
    expect(cheapest(demand, PAST)).toBe(60);
  });

  test('a tile is filled at most as often as it is read, and as often as it ends', () => {
    fc.assert(
      fc.property(anyRate, fc.oneof(fc.constant(0), anyRate), anyRate, (reads, changes, ttl) => {
        const rate = fillRate(reads, changes, ttl);
        expect(rate).toBeLessThanOrEqual(reads);
        expect(rate).toBeLessThanOrEqual((changes + 1 / ttl) * (1 + 1e-9));
        expect(fillRate(reads, changes + 1, ttl)).toBeGreaterThanOrEqual(rate);
      }),
    );
    expect(fillRate(0, 5, 1)).toBe(0);
  });
});

describe('a choice', () => {
  const costs = (small: number, large: number) => [
    { level: 15, cost: small },
    { level: 60, cost: large },
  ];
  const current = { level: 60, since: NOW - DWELL };

  test.each([
    ['a level that is cheaper by less than the least gain', costs(100 * (1 - GAIN_MIN), 100), current, 99, 60],
    ['a level that is cheaper by more', costs(99.9 * (1 - GAIN_MIN), 100), current, 99, 15],
    ['one within the dwell', costs(1, 100), { ...current, since: NOW - DWELL + 1 }, 99, 60],
    ['one of too few operations', costs(1, 100), current, EVIDENCE_MIN - 1, 60],
    ['one above the cap', costs(100, 1), { level: 15, since: 0, cap: 15 }, 99, 15],
    ['none where all cost nothing', costs(0, 0), current, 99, 60],
  ])('of %s', (_name, given, choice, evidence, level) => {
    expect(choose(given, choice, evidence, NOW)).toBe(level);
  });
});

describe('counted tiles', () => {
  const anyLevels = fc.constantFrom([15, 30, 60], [5, 60, 1440], [60], [16, 48, 144], [1, 120], [15, 720]);
  const anyRange = fc
    .tuple(fc.integer({ min: NOW - 3 * DAY, max: NOW }), fc.integer({ min: 1, max: 2 * DAY }))
    .map(([from, length]) => ({ from, to: from + length }));

  test('are those that a read of all ranges touches at each level, each once and in its place', () => {
    fc.assert(
      fc.property(anyLevels, fc.array(anyRange, { minLength: 1, maxLength: 4 }), (levels, ranges) => {
        const grid = new LevelGrid(levels);
        const counted = new Map<string, number>();
        grid.countTiles(ranges, (index, day, unit, tiles) => {
          const place = `${index}/${day}/${unit}`;
          counted.set(place, (counted.get(place) ?? 0) + tiles);
        });
        const expected = new Map<string, number>();
        levels.forEach((level, index) => {
          const starts = new Set(ranges.flatMap((range) => cover(range, level).map(({ from }) => from)));
          for (const from of starts) {
            const day = dayOf(from);
            const place = `${index}/${day}/${Math.floor((from - day * DAY) / MINUTE / Math.max(grid.bucket, level))}`;
            expected.set(place, (expected.get(place) ?? 0) + 1);
            expect(grid.place({ from, minutes: level })).toEqual({ index, day, unit: Number(place.split('/')[2]) });
          }
        });
        expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(expected));
      }),
    );
  });
});

describe('measured prices', () => {
  test('come near the truth in spite of noise, and follow it', () => {
    const line = new LinearCost({ fixed: 50, slope: 1 }, 50);
    const feed = (fixed: number, slope: number) => {
      for (let index = 0; index < 1_000; index += 1) {
        const size = (index * 37) % 500;
        line.add(size, fixed + slope * size + (index % 2 === 0 ? 0.3 : -0.3));
      }
    };
    feed(2, 0.01);
    expect(line.line.fixed).toBeCloseTo(2, 0);
    expect(line.line.slope).toBeCloseTo(0.01, 2);
    feed(8, 0.05);
    expect(line.line.fixed).toBeCloseTo(8, 0);
    expect(line.line.slope).toBeCloseTo(0.05, 2);
  });

  test('are the assumed ones when nothing was measured; of one size alone only the slope is assumed', () => {
    const line = new LinearCost({ fixed: 2, slope: 0.005 }, 50);
    expect(line.line).toEqual({ fixed: 2, slope: 0.005 });
    for (let index = 0; index < 10; index += 1) line.add(100, 4);
    expect(line.line.fixed).toBeCloseTo(3.5);
    expect(line.line.slope).toBeCloseTo(0.005);
  });

  test('are never below 0', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000))), (samples) => {
        const each = new LinearCost({ fixed: 2, slope: 0.005 }, 50);
        for (const [size, time] of samples) each.add(size, time);
        expect(each.line.fixed).toBeGreaterThanOrEqual(0);
        expect(each.line.slope).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

test('an hour is the unit: of tiles shorter than that, and longer ones are units themselves', () => {
  expect(GRID.bucket).toBe(60);
  expect([0, 1, 2].map((index) => GRID.units(index))).toEqual([24, 24, 24]);
  const long = new LevelGrid([60, 360, 1440]);
  expect([0, 1, 2].map((index) => long.units(index))).toEqual([24, 4, 1]);
});
