import fc from 'fast-check';
import { touchedTokens } from '../src/changes/touched.js';
import { listTokenKey } from '../src/orders/keys.js';
import { PlantCalendar } from '../src/orders/plant-day.js';
import { cover, rangeOf } from '../src/orders/tiles.js';
import { DAY, MINUTE } from '../src/units.js';
import { idOf, orderOf } from './support/orders.js';

const LEVELS = [15, 30, 60];
const berlin = new PlantCalendar('Europe/Berlin');
const before = orderOf({ id: idOf(7), createdAt: Date.parse('2025-07-24T22:20:00Z'), partnerId: 'partner-a', filePath: 'a.stl' });
const touched = (...changes: Parameters<typeof touchedTokens>[0]): string[] => touchedTokens(changes, LEVELS, berlin).sort();

const OWN = `token:order:${idOf(7)}`;
const LISTS = [
  'token:{orders:2025-07-24}:createdBy=2025-07-24T22:00Z:TimeWindow=30',
  'token:{orders:2025-07-24}:createdBy=2025-07-24T22:00Z:TimeWindow=60',
  'token:{orders:2025-07-24}:createdBy=2025-07-24T22:15Z:TimeWindow=15',
  // Past midnight in Berlin.
  'token:{orders:2025-07-25}:new',
];
const ofB = { ...before, partnerId: 'partner-b' };
const ownOrder = (partner: string): string => `token:order-of:partner-${partner}:${idOf(7)}`;
const ownFile = (partner: string, file: string): string => `token:file-of:partner-${partner}:${file}.stl`;
const sorted = (...tokens: string[]): string[] => tokens.sort();

describe('what a change makes worthless', () => {
  test.each([
    ['a change of status', before, { ...before, status: 'PACKAGING', version: 4 } as const, []],
    ['a new order', null, before, [ownOrder('a'), ownFile('a', 'a')]],
    ['an order that was removed', before, null, [ownOrder('a'), ownFile('a', 'a')]],
    ['another partner', before, ofB, [ownOrder('a'), ownOrder('b'), ownFile('a', 'a'), ownFile('b', 'a')]],
    ['no partner any more', before, { ...before, partnerId: null }, [ownOrder('a'), ownFile('a', 'a')]],
    ['another file', before, { ...before, filePath: 'b.stl' }, [ownFile('a', 'a'), ownFile('a', 'b')]],
    ['no file any more', before, { ...before, filePath: null }, [ownFile('a', 'a')]],
    ['a first file', { ...before, filePath: null }, before, [ownFile('a', 'a')]],
    ['a file of nobody', null, { ...before, partnerId: null }, []],
  ])('%s: the order, its lists at all levels, and what is whose own', (_name, from, to, owners) => {
    expect(touched({ before: from, after: to })).toEqual(sorted(OWN, ...LISTS, ...owners));
  });

  test('an order that moves in time: the lists that held it and those that hold it now', () => {
    const after = { ...before, createdAt: Date.parse('2024-02-29T10:59:59.999Z') };
    const now = [
      'token:{orders:2024-02-29}:createdBy=2024-02-29T10:00Z:TimeWindow=60',
      'token:{orders:2024-02-29}:createdBy=2024-02-29T10:30Z:TimeWindow=30',
      'token:{orders:2024-02-29}:createdBy=2024-02-29T10:45Z:TimeWindow=15',
      'token:{orders:2024-02-29}:new',
    ];
    expect(touched({ before, after })).toEqual(sorted(OWN, ...LISTS, ...now));
  });

  test('many orders of one window: each list once', () => {
    const other = { ...before, id: idOf(8) };
    expect(touched({ before, after: before }, { before: other, after: other })).toEqual(
      sorted(OWN, `token:order:${idOf(8)}`, ...LISTS),
    );
    expect(touched()).toEqual([]);
  });

  test('every list that shows the order, whatever range is asked for at whatever level', () => {
    const anyLevels = fc.constantFrom([15, 30, 60], [60], [5, 60, 1440], [1]);
    const anyTime = fc.integer({ min: Date.parse('1970-02-01T00:00Z'), max: Date.parse('2100-01-01T00:00Z') });
    const anyOffset = fc.integer({ min: 0, max: 2 * DAY }).map((offset) => (offset % 3 === 0 ? 0 : offset));
    fc.assert(
      fc.property(anyLevels, anyTime, anyOffset, fc.integer({ min: 1, max: 2 * 1440 }), (levels, createdAt, offset, window) => {
        const tokens = touchedTokens([{ before: null, after: orderOf({ createdAt }) }], levels, berlin);
        const from = createdAt - Math.min(offset, window * MINUTE - 1);
        for (const minutes of levels) {
          const tiles = cover({ from, to: from + window * MINUTE }, minutes);
          const showing = tiles.filter((tile) => createdAt >= rangeOf(tile).from && createdAt < rangeOf(tile).to);
          expect(showing).toHaveLength(1);
          expect(tokens).toContain(listTokenKey({ kind: 'tile', tile: showing[0]! }));
        }
        expect(tokens).toContain(listTokenKey({ kind: 'new', day: berlin.dayOf(createdAt) }));
      }),
    );
  });
});

test('a time that no list can be named after touches the order and its file only', () => {
  const far = [Infinity, -Infinity, NaN, Date.parse('-000099-01-01T00:00Z'), Date.parse('+275000-01-01T00:00Z')];
  for (const createdAt of far) {
    expect(touched({ before: null, after: { ...before, createdAt } })).toEqual(sorted(OWN, ownOrder('a'), ownFile('a', 'a')));
  }
});
