import { evaluateConditions, ifRangeHolds } from '../src/files/conditions.js';
import { httpDate, parseHttpDate } from '../src/files/http-date.js';

const file = { etag: '"v2,x"', lastModified: Date.parse('1994-11-06T08:49:37Z') };
const same = 'Sun, 06 Nov 1994 08:49:37 GMT';
const earlier = 'Sun, 06 Nov 1994 08:49:36 GMT';
const later = 'Sun, 06 Nov 1994 08:49:38 GMT';

test.each([
  [{}, 'proceed'],
  [{ 'if-none-match': '"v2,x"' }, 'not-modified'],
  [{ 'if-none-match': 'W/"v2,x"' }, 'not-modified'],
  [{ 'if-none-match': '"v1", W/"v2,x" , "v3"' }, 'not-modified'],
  [{ 'if-none-match': ' * ' }, 'not-modified'],
  [{ 'if-none-match': '"v1"' }, 'proceed'],
  [{ 'if-none-match': 'v2,x' }, 'proceed'],
  [{ 'if-none-match': '"v1", x"v2,x"' }, 'proceed'],
  [{ 'if-modified-since': same }, 'not-modified'],
  [{ 'if-modified-since': later }, 'not-modified'],
  [{ 'if-modified-since': earlier }, 'proceed'],
  [{ 'if-modified-since': 'yesterday' }, 'proceed'],
  [{ 'if-modified-since': '1994-11-07' }, 'proceed'],
  [{ 'if-none-match': '"v1"', 'if-modified-since': later }, 'proceed'],
  [{ 'if-match': '"v2,x"' }, 'proceed'],
  [{ 'if-match': '"v1", "v2,x"' }, 'proceed'],
  [{ 'if-match': '*' }, 'proceed'],
  [{ 'if-match': 'W/"v2,x"' }, 'precondition-failed'],
  [{ 'if-match': '"v1"' }, 'precondition-failed'],
  [{ 'if-match': 'nonsense' }, 'precondition-failed'],
  [{ 'if-unmodified-since': same }, 'proceed'],
  [{ 'if-unmodified-since': earlier }, 'precondition-failed'],
  [{ 'if-unmodified-since': 'nonsense' }, 'proceed'],
  [{ 'if-match': '"v2,x"', 'if-unmodified-since': earlier }, 'proceed'],
  [{ 'if-match': '"v1"', 'if-none-match': '"v2,x"' }, 'precondition-failed'],
  [{ 'if-match': '"v2,x"', 'if-none-match': '"v2,x"' }, 'not-modified'],
])('%j: %s', (headers, expected) => expect(evaluateConditions(headers, file)).toBe(expected));

test('a weak entity tag never satisfies If-Match', () => {
  expect(evaluateConditions({ 'if-match': 'W/"a"' }, { ...file, etag: 'W/"a"' })).toBe('precondition-failed');
});

test.each([
  [undefined, true],
  ['"v2,x"', true],
  ['W/"v2,x"', false],
  ['"v1"', false],
  [same, true],
  [earlier, false],
  [later, false],
  ['nonsense', false],
])('If-Range %s: %s', (header, expected) => expect(ifRangeHolds(header, file)).toBe(expected));

test('the three forms of a date are read, and nothing else', () => {
  for (const form of [same, 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
    expect(parseHttpDate(form)).toBe(file.lastModified);
  }
  for (const other of ['', '0', '1994', '1994-11-06T08:49:37Z', 'Sun, 06 Nov 1994 08:49:37', 'Sun, 99 Nov 1994 08:49:37 GMT']) {
    expect(parseHttpDate(other)).toBeUndefined();
  }
  expect(httpDate(file.lastModified + 999)).toBe(same);
});
