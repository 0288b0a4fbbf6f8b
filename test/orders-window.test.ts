import { wantedRange } from '../src/orders/window.js';
import { MINUTE } from '../src/units.js';
import { errorWith } from './support/orders.js';

const at = (text: string): number => Date.parse(text);
const NOW = at('2025-07-24T15:20:30.400Z');

const refused = (message: string): Error => errorWith({ code: 'BAD_USER_INPUT', message: expect.stringContaining(message) });

describe('the window of "orders"', () => {
  test.each([
    ['createdBy alone: an hour', '2025-07-24T15:00Z', undefined, '2025-07-24T15:00Z', '2025-07-24T16:00Z'],
    ['both', '2025-07-24T15:07Z', 15, '2025-07-24T15:07Z', '2025-07-24T15:22Z'],
    ['the shortest', '2025-07-24T15:00Z', 1, '2025-07-24T15:00Z', '2025-07-24T15:01Z'],
    ['the longest, 31 days', '2024-12-31T00:00Z', 44_640, '2024-12-31T00:00Z', '2025-01-31T00:00Z'],
    ['the first date', '1970-01-01T00:00Z', 60, '1970-01-01T00:00Z', '1970-01-01T01:00Z'],
    ['the last date', '9989-12-31T23:59:59.999Z', 1, '9989-12-31T23:59:59.999Z', '9990-01-01T00:00:59.999Z'],
    ['the future', '2030-01-01T00:00Z', undefined, '2030-01-01T00:00Z', '2030-01-01T01:00Z'],
  ])('%s', (_name, createdBy, window, from, to) => {
    expect(wantedRange(at(createdBy), window, NOW)).toEqual({ kind: 'range', range: { from: at(from), to: at(to) } });
  });

  test.each([1, 60, 44_640])('%i alone: the last minutes up to now, and a little for a clock that is ahead', (window) => {
    const wanted = wantedRange(undefined, window, NOW);
    expect(wanted).toEqual({ kind: 'range', range: { from: NOW - window * MINUTE, to: expect.any(Number) } });
    const ahead = wanted.kind === 'range' ? wanted.range.to - NOW : undefined;
    expect(ahead).toBeGreaterThan(0);
    expect(ahead).toBeLessThanOrEqual(10_000);
  });

  test('neither: today', () => expect(wantedRange(undefined, undefined, NOW)).toEqual({ kind: 'today' }));

  test.each([0, -1, -60, 44_641, 1e9, -(2 ** 31), 2 ** 31 - 1])('%i is refused, with or without a date', (window) => {
    for (const createdBy of [undefined, at('2025-07-24T15:00Z')]) {
      expect(() => wantedRange(createdBy, window, NOW)).toThrow(
        refused(`"window" must be 1 to 44640 minutes (31 days), but got: ${window}.`),
      );
    }
  });

  test.each([
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['9990-01-01T00:00:00Z', '9990-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('a date out of range is refused: %s', (createdBy, shown) => {
    expect(() => wantedRange(at(createdBy), 60, NOW)).toThrow(
      refused(`"createdBy" must be a date from 1970 to 9989, but got: ${shown}.`),
    );
  });
});
