import { Aging, retentionOf } from '../src/changes/pruning.js';
import { HOUR, MINUTE, SECOND } from '../src/units.js';

test('changes are kept for longer than any entry lives', () => {
  expect(retentionOf(0)).toBe(15 * MINUTE);
  expect(retentionOf(48 * HOUR)).toBeGreaterThan(48 * HOUR);
});

describe('what is old enough', () => {
  test('is what had finished at a position that was reached longer ago than the retention', () => {
    const aging = new Aging(10 * MINUTE);
    aging.reached('100:110:100,105', 0);
    aging.reached('120:120:', 5 * MINUTE);
    aging.reached('100:130:100', 6 * MINUTE);
    expect(aging.takeBound(10 * MINUTE)).toBeUndefined();
    expect(aging.takeBound(10 * MINUTE + 1)).toBe(100n);
    expect(aging.takeBound(10 * MINUTE + 2)).toBeUndefined();
    expect(aging.takeBound(15 * MINUTE + 1)).toBe(120n);
  });

  test('needs few samples, however often a position is reached', () => {
    const aging = new Aging(MINUTE);
    for (let at = 0; at <= MINUTE; at += SECOND) aging.reached(`${1000 + at}:${1000 + at}:`, at);
    expect(aging.takeBound(MINUTE + 1)).toBe(1000n);
    expect(aging.takeBound(MINUTE + 30 * SECOND + 1)).toBe(31_000n);
  });
});
