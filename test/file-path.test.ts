import fc from 'fast-check';
import { GatewayError } from '../src/errors.js';
import { encodeFilePath, fileName, filePathOfUrl, parseFilePath } from '../src/files/path.js';

const badInput = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toHaveProperty('code', 'BAD_USER_INPUT');
    return error instanceof Error ? error.message : '';
  }
  throw new Error('expected a refusal');
};

const anyKey = fc
  .array(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join('/'));

const isLegal = (key: string): boolean =>
  Buffer.byteLength(key) <= 1024 &&
  key.split(/[/\\]/).every((segment) => segment !== '' && segment !== '.' && segment !== '..') &&
  !/\p{Cc}/u.test(key);

describe('a file path', () => {
  test.each([
    'models/ring-17.stl',
    'модели/кольцо 17.stl',
    '100%/a+b&c=d#1?.stl',
    `it's "quoted"/😀.3mf`,
    '%2e%2e%2fetc/passwd',
    '...',
    'a/..b/c..',
    'a\\b',
    'x'.repeat(1024),
    'я'.repeat(512),
  ])('may be any key of the store: %s', (key) => expect(parseFilePath(key)).toBe(key));

  test.each([
    ['', 'must not be empty'],
    ['/etc/passwd', 'must not begin with'],
    ['models/', 'must not end with'],
    ['a//b', 'empty segments'],
    ['a/./b', '"." or ".."'],
    ['../../etc/passwd', '"." or ".."'],
    ['models\\..\\..\\etc', '"." or ".."'],
    ['a\\\\b', 'empty segments'],
    ['a\0.stl', 'control characters'],
    ['a\nb', 'control characters'],
    ['a\ud800', 'well-formed Unicode'],
    [`${'x'.repeat(1024)}y`, 'at most 1024 bytes'],
    ['я'.repeat(513), 'at most 1024 bytes'],
  ])('is refused with its reason: %j', (key, reason) => {
    const message = badInput(() => parseFilePath(key));
    expect(message).toContain(reason);
    expect(message).toContain('but got: "');
    expect(message).not.toMatch(/\p{Cc}/u);
  });

  test('that was accepted has no segment that leads elsewhere', () => {
    const parts = fc.constantFrom('..', '.', '/', '\\', 'a', '%2e', ' ', '\0');
    fc.assert(
      fc.property(
        fc.array(parts).map((all) => all.join('')),
        (raw) => {
          let path: string;
          try {
            path = parseFilePath(raw);
          } catch {
            return !isLegal(raw);
          }
          return isLegal(path) && path === raw;
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('ends with its name', () => {
    expect(fileName('models/ring-17.stl')).toBe('ring-17.stl');
    expect(fileName('ring')).toBe('ring');
  });
});

describe('a file path in a URL', () => {
  test('is encoded and decoded without a change', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        fc.pre(isLegal(key));
        const url = `/files/${encodeFilePath(key)}`;
        expect(filePathOfUrl(url)).toBe(key);
        expect(filePathOfUrl(`${url}?expires=1&signature=/..`)).toBe(key);
        expect(filePathOfUrl(new URL(url, 'http://127.0.0.1').pathname)).toBe(key);
      }),
    );
  });

  test('cannot climb out, in any mix of encodings', () => {
    const dot = fc.constantFrom('.', '%2e', '%2E');
    const slash = fc.constantFrom('/', '%2f', '%2F', '\\', '%5c', '%5C');
    const step = fc.tuple(dot, dot, slash).map((parts) => parts.join(''));
    const climb = fc.tuple(fc.constantFrom('', 'models/', 'models%2F'), step, step).map((parts) => parts.join(''));
    fc.assert(fc.property(climb, (up) => badInput(() => filePathOfUrl(`/files/${up}etc/passwd`)).includes('".."')));
  });

  test('is decoded exactly once', () => {
    expect(filePathOfUrl('/files/%252e%252e%252fetc%252fpasswd')).toBe('%2e%2e%2fetc%2fpasswd');
    expect(filePathOfUrl('/files/a+b')).toBe('a+b');
    expect(filePathOfUrl('http://gateway.local:4000/files/a%20b')).toBe('a b');
  });

  test.each([
    ['/files/a%', 'well-formed percent-encoded'],
    ['/files/a%zz', 'well-formed percent-encoded'],
    ['/files/%c0%ae%c0%ae/etc', 'well-formed percent-encoded'],
    ['/files/%e0%80%af', 'well-formed percent-encoded'],
    ['/files/%ed%a0%80', 'well-formed percent-encoded'],
    ['/files/%ff', 'well-formed percent-encoded'],
    ['/files/Ð¼', 'must be percent-encoded UTF-8'],
    ['/files/a%00', 'control characters'],
    ['/files/', 'must not be empty'],
    ['/files//etc/passwd', 'must not begin with'],
    ['/%66iles/a', 'must follow "/files/"'],
  ])('is refused with its reason: %s', (target, reason) => {
    expect(badInput(() => filePathOfUrl(target))).toContain(reason);
  });
});
