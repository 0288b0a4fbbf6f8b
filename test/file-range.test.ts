import fc from 'fast-check';
import { parseRange } from '../src/files/range.js';

const range = (start: number, end: number): unknown => ({ kind: 'range', range: { start, end } });

test.each([
  ['bytes=0-0', range(0, 0)],
  ['bytes=0-499', range(0, 499)],
  ['bytes=500-', range(500, 999)],
  ['bytes=-500', range(500, 999)],
  ['bytes=-5000', range(0, 999)],
  ['bytes=999-99999999999999999999999', range(999, 999)],
  ['BYTES= 1-2 ,', range(1, 2)],
  ['bytes=1000-', { kind: 'unsatisfiable' }],
  ['bytes=1000-1001', { kind: 'unsatisfiable' }],
  ['bytes=-0', { kind: 'unsatisfiable' }],
  [undefined, { kind: 'ignored' }],
  ['', { kind: 'ignored' }],
  ['bytes=', { kind: 'ignored' }],
  ['bytes=-', { kind: 'ignored' }],
  ['bytes=5-4', { kind: 'ignored' }],
  ['bytes=0-1,5-6', { kind: 'ignored' }],
  ['bytes=a-b', { kind: 'ignored' }],
  ['bytes=0x1-2', { kind: 'ignored' }],
  ['bytes=--1', { kind: 'ignored' }],
  ['lines=0-1', { kind: 'ignored' }],
  ['0-1', { kind: 'ignored' }],
])('%s of 1000 bytes', (header, expected) => expect(parseRange(header, 1000)).toEqual(expected));

test('an empty file has no first byte, and its end is all of it', () => {
  expect(parseRange('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' });
  expect(parseRange('bytes=-1', 0)).toEqual({ kind: 'ignored' });
});

test('a range is always inside the file', () => {
  const bound = fc.oneof(fc.constant(''), fc.nat({ max: 20 }).map(String));
  fc.assert(
    fc.property(bound, bound, fc.nat({ max: 10 }), (first, last, size) => {
      const asked = parseRange(`bytes=${first}-${last}`, size);
      return asked.kind !== 'range' || (asked.range.start >= 0 && asked.range.start <= asked.range.end && asked.range.end < size);
    }),
  );
});
