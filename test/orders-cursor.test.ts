import fc from 'fast-check';
import { GatewayError } from '../src/errors.js';
import { decodeCursor, encodeCursor } from '../src/orders/cursor.js';
import { errorWith } from './support/orders.js';

const ID = '0b6f7a52-1c1e-4d0a-9c55-3f1f0a3f2e11';
const TIME = Date.parse('2025-07-24T15:20:00.123Z');
const GOOD = encodeCursor({ createdAt: TIME, id: ID });

const anyPosition = fc.record({
  createdAt: fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') }),
  id: fc.uuid(),
});
const forged = (text: string): string => Buffer.from(text).toString('base64url');

describe('a cursor', () => {
  test('leads back to its place', () => {
    fc.assert(fc.property(anyPosition, (position) => expect(decodeCursor(encodeCursor(position))).toEqual(position)));
  });

  test('is safe in a URL and in JSON, and short', () => {
    fc.assert(fc.property(anyPosition, (position) => expect(encodeCursor(position)).toMatch(/^[\w-]{1,80}$/)));
  });

  test.each([
    ['nothing', ''],
    ['something else', 'hello'],
    ['another form', forged(`o2:${TIME}:${ID}`)],
    ['not encoded', `o1:${TIME}:${ID}`],
    ['cut off', GOOD.slice(0, -1)],
    ['cut off by half', GOOD.slice(0, GOOD.length / 2)],
    ['too long', `${GOOD}AA`],
    ['padded', `${GOOD}==`],
    ['with a space', `${GOOD} `],
    ['with a line break', `${GOOD}\n`],
    ['without its first character', GOOD.slice(1)],
    ['with characters that base64 skips', `${GOOD.slice(0, 4)}*${GOOD.slice(4)}`],
    ['an upper-case UUID', forged(`o1:${TIME}:${ID.toUpperCase()}`)],
    ['no UUID', forged(`o1:${TIME}:ring-17`)],
    ['no time', forged(`o1::${ID}`)],
    ['a negative time', encodeCursor({ createdAt: -1, id: ID })],
    ['a fraction', encodeCursor({ createdAt: 1.5, id: ID })],
    ['NaN', encodeCursor({ createdAt: NaN, id: ID })],
    ['leading zeros', forged(`o1:0${TIME}:${ID}`)],
    ['a time too large for a date', forged(`o1:${'9'.repeat(16)}:${ID}`)],
    ['other digits', forged(`o1:١٢٣:${ID}`)],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x00]).toString('base64url')],
  ])('that was forged is refused: %s', (_name, cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(
      errorWith({ code: 'BAD_USER_INPUT', message: expect.stringContaining('"after" must be a cursor') }),
    );
  });

  test('in the other spelling of base64 is refused', () => {
    const position = { createdAt: TIME, id: ID };
    const standard = Buffer.from(`o1:${TIME}:${ID}`).toString('base64');
    expect(decodeCursor(standard.replace(/=+$/, ''))).toEqual(position);
    fc.assert(
      fc.property(fc.nat({ max: GOOD.length - 1 }), fc.constantFrom('+', '/'), (index, character) => {
        expect(() => decodeCursor(GOOD.slice(0, index) + character + GOOD.slice(index + 1))).toThrow(GatewayError);
      }),
    );
  });

  test('of any text is a place that gives this text again, or a refusal that quotes it briefly', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.tuple(fc.nat({ max: GOOD.length }), fc.string({ maxLength: 3 })).map(([at, more]) => GOOD.slice(0, at) + more),
      fc.string().map((text) => forged(`o1:${text}:${ID}`)),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          expect(encodeCursor(decodeCursor(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'GatewayError', code: 'BAD_USER_INPUT' });
          expect((error as Error).message.length).toBeLessThan(200);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
