import { GatewayError, quoted } from '../errors.js';
import type { Bytes } from '../units.js';

/** The longest key that S3 keeps. */
const MAX_PATH: Bytes = 1024;
const URL_PREFIX = '/files/';

type Rule = readonly [broken: (path: string, segments: readonly string[]) => boolean, expectation: string];

/** A backslash separates segments too: some stores and file systems read it as `/`. */
const RULES: readonly Rule[] = [
  [(path) => path === '', 'must not be empty'],
  [(path) => /\p{Cs}/u.test(path), 'must be well-formed Unicode, without lone surrogates'],
  [(path) => Buffer.byteLength(path) > MAX_PATH, `must be at most ${MAX_PATH} bytes of UTF-8 long`],
  [(path) => /\p{Cc}/u.test(path), 'must not contain control characters'],
  [(path) => /^[/\\]/.test(path), 'must not begin with "/"'],
  [(path) => /[/\\]$/.test(path), 'must not end with "/"'],
  [(_path, segments) => segments.includes(''), 'must not contain empty segments'],
  [(_path, segments) => segments.includes('.') || segments.includes('..'), 'must not contain "." or ".." as a segment'],
];

/**
 * A caller's text as the exact key of a file. Every legal S3 key passes unchanged (spaces, Cyrillic, `+`, `%`, `#`…),
 * except those that a path-like reader could take for another place.
 *
 * @param raw the key itself, nothing encoded: `models/ring-17.stl`
 * @param subject what a message calls it: an argument in quotes, as the caller knows it
 * @throws GatewayError BAD_USER_INPUT, naming the rule that was broken
 */
export function parseFilePath(raw: string, subject = 'The file path'): string {
  const segments = raw.split(/[/\\]/);
  const rule = RULES.find(([broken]) => broken(raw, segments));
  if (rule) throw badPath(rule[1], raw, subject);
  return raw;
}

/**
 * The key in a request target such as `/files/models/ring%2017.stl?expires=1`. It is decoded exactly once, and judged
 * after that: `%2e%2e%2f` is found in any mix, while `%252e` is the literal `%2e`.
 *
 * @param target the request target as it arrived, query included
 * @throws GatewayError BAD_USER_INPUT, also for malformed percent-encoding and for bytes that are not UTF-8
 */
export function filePathOfUrl(target: string): string {
  const urlPath = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (!urlPath.startsWith(URL_PREFIX)) throw badPath(`must follow "${URL_PREFIX}" in the URL`, urlPath);
  const encoded = urlPath.slice(URL_PREFIX.length);
  if (/[^\x21-\x7e]/.test(encoded)) throw badPath('must be percent-encoded UTF-8 in the URL', encoded);
  return parseFilePath(decoded(encoded));
}

/** `path` for a URL: every segment percent-encoded, `/` kept. The reverse of `filePathOfUrl` without its prefix. */
export function encodeFilePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The last segment: `ring-17.stl` of `models/ring-17.stl`. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw badPath('must be well-formed percent-encoded UTF-8 in the URL', encoded);
  }
}

function badPath(expectation: string, got: string, subject = 'The file path'): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `${subject} ${expectation}, but got: ${quoted(got)}`);
}
