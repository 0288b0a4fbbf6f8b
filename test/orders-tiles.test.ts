import fc from 'fast-check';
import { fileTokenKey } from '../src/files/keys.js';
import { listKey, listTokenKey, orderTokenKey, tileOfTokenKey } from '../src/orders/keys.js';
import { cover, isoDay, mergeRanges, rangeOf, tileAt, type TimeRange } from '../src/orders/tiles.js';
import { DAY, MINUTE } from '../src/units.js';

const at = (text: string): number => Date.parse(text);
const keysOf = (from: string, to: string, minutes: number): string[] =>
  cover({ from: at(from), to: at(to) }, minutes).map((tile) =>
    listKey({ kind: 'tile', tile }).replace('orders:list:createdBy=', ''),
  );

const LEVELS = [5, 15, 30, 60, 180, 1440];

describe('tiles', () => {
  test.each([
    ['exactly one tile', '2025-07-24T15:00:00Z', '2025-07-24T16:00:00Z', 60, ['2025-07-24T15:00Z:TimeWindow=60']],
    ['one moment', '2025-07-24T15:59:59.999Z', '2025-07-24T16:00:00Z', 60, ['2025-07-24T15:00Z:TimeWindow=60']],
    [
      'one moment more than a tile',
      '2025-07-24T15:00:00Z',
      '2025-07-24T15:15:00.001Z',
      15,
      ['2025-07-24T15:00Z:TimeWindow=15', '2025-07-24T15:15Z:TimeWindow=15'],
    ],
    [
      'an hour that is not aligned',
      '2025-07-24T15:20:00Z',
      '2025-07-24T16:20:00Z',
      60,
      ['2025-07-24T15:00Z:TimeWindow=60', '2025-07-24T16:00Z:TimeWindow=60'],
    ],
    [
      'the end of a year',
      '2025-12-31T23:45:00Z',
      '2026-01-01T00:15:00Z',
      30,
      ['2025-12-31T23:30Z:TimeWindow=30', '2026-01-01T00:00Z:TimeWindow=30'],
    ],
    [
      'the day before a leap day, and the leap day',
      '2024-02-28T12:00:00Z',
      '2024-03-01T00:00:00Z',
      1440,
      ['2024-02-28T00:00Z:TimeWindow=1440', '2024-02-29T00:00Z:TimeWindow=1440'],
    ],
    [
      'the moments around 1970',
      '1969-12-31T23:59:59.999Z',
      '1970-01-01T00:00:00.001Z',
      15,
      ['1969-12-31T23:45Z:TimeWindow=15', '1970-01-01T00:00Z:TimeWindow=15'],
    ],
  ])('cover %s', (_name, from, to, minutes, keys) => expect(keysOf(from, to, minutes)).toEqual(keys));

  test.each([
    [15, 2976],
    [30, 1488],
    [60, 744],
  ])('of %i minutes: 31 days take %i when aligned, one more when not', (minutes, count) => {
    const from = at('2025-01-01T00:00:00Z');
    expect(cover({ from, to: from + 31 * DAY }, minutes)).toHaveLength(count);
    expect(cover({ from: from + 1, to: from + 31 * DAY + 1 }, minutes)).toHaveLength(count + 1);
  });

  test('cover a range without gap or overlap, with as few as there can be', () => {
    const year = { min: at('1960-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') };
    const anyFrom = fc.oneof(
      fc.integer(year),
      fc.integer({ min: year.min / MINUTE, max: year.max / MINUTE }).map((minute) => minute * MINUTE),
    );
    const anyLength = fc.oneof(
      fc.integer({ min: 1, max: 31 * DAY }),
      fc.integer({ min: 1, max: 200 }).map((minutes) => minutes * MINUTE),
    );
    fc.assert(
      fc.property(anyFrom, anyLength, fc.constantFrom(...LEVELS), (from, length, minutes) => {
        const to = from + length;
        const ranges = cover({ from, to }, minutes).map(rangeOf);
        expect(ranges[0]!.from).toBeLessThanOrEqual(from);
        expect(ranges.at(-1)!.to).toBeGreaterThanOrEqual(to);
        // As few as there can be: neither the first nor the last could be left out, and all are neighbours.
        expect(ranges[0]!.to).toBeGreaterThan(from);
        expect(ranges.at(-1)!.from).toBeLessThan(to);
        const torn = ranges.filter(
          (range, index) =>
            Math.abs(range.from % (minutes * MINUTE)) !== 0 ||
            range.to - range.from !== minutes * MINUTE ||
            (index > 0 && ranges[index - 1]!.to !== range.from),
        );
        expect(torn).toEqual([]);
      }),
    );
  });

  test('have keys that people know', () => {
    const tile = tileAt(at('2025-07-24T15:59:59.999Z'), 60);
    const day = { date: '2025-07-24', range: { from: at('2025-07-23T22:00Z'), to: at('2025-07-24T22:00Z') } };
    expect(listKey({ kind: 'tile', tile })).toBe('orders:list:createdBy=2025-07-24T15:00Z:TimeWindow=60');
    expect(listKey({ kind: 'new', day })).toBe('orders:list:new');
    expect(listTokenKey({ kind: 'tile', tile })).toBe('token:{orders:2025-07-24}:createdBy=2025-07-24T15:00Z:TimeWindow=60');
    expect(listTokenKey({ kind: 'new', day })).toBe('token:{orders:2025-07-24}:new');
  });

  test('are found again from the keys of their tokens, and no other key is taken for one', () => {
    const anyTime = fc.integer({ min: at('1960-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z') });
    fc.assert(
      fc.property(anyTime, fc.constantFrom(...LEVELS), (time, minutes) => {
        const tile = tileAt(time, minutes);
        expect(tileOfTokenKey(listTokenKey({ kind: 'tile', tile }))).toEqual(tile);
      }),
    );
    const day = { date: '2025-07-24', range: { from: 0, to: 1 } };
    const others = [
      listTokenKey({ kind: 'new', day }),
      orderTokenKey('x'),
      fileTokenKey('createdBy=2025-07-24T15:00Z:TimeWindow=60'),
    ];
    expect(others.map(tileOfTokenKey)).toEqual([undefined, undefined, undefined]);
  });

  test('of one day share a slot of a Redis Cluster, also before 1970', () => {
    expect(isoDay(at('2025-07-24T23:59:59.999Z'))).toBe('2025-07-24');
    expect(isoDay(at('1969-12-31T23:59:59.999Z'))).toBe('1969-12-31');
  });
});

describe('merged ranges', () => {
  const anyRanges = fc.array(
    fc
      .tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: 1, max: 8 }))
      .map(([from, length]): TimeRange => ({ from, to: from + length })),
    { maxLength: 12 },
  );
  const momentsOf = (ranges: readonly TimeRange[]): number[] => {
    const moments = ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index));
    return [...new Set(moments)].sort((a, b) => a - b);
  };

  test('hold the same moments, ascending, and no two could be one', () => {
    fc.assert(
      fc.property(anyRanges, (ranges) => {
        const before = structuredClone(ranges);
        const merged = mergeRanges(ranges);
        expect(momentsOf(merged)).toEqual(momentsOf(ranges));
        expect(merged.filter((range, index) => index > 0 && range.from <= merged[index - 1]!.to)).toEqual([]);
        expect(ranges).toEqual(before);
      }),
    );
  });

  test('of tiles: neighbours become one, others stay apart', () => {
    const tiles = [60, 0, 15, 45].map((minute) => rangeOf({ from: minute * MINUTE, minutes: 15 }));
    expect(mergeRanges(tiles)).toEqual([
      { from: 0, to: 30 * MINUTE },
      { from: 45 * MINUTE, to: 75 * MINUTE },
    ]);
    expect(mergeRanges([])).toEqual([]);
  });
});
