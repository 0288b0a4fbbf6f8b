import type { Bytes } from '../../src/units.js';
import { describeBytes, hashOf } from './content.js';
import { describeHistory, sliceOf, validVersions, type Asked, type FileHistory, type Version } from './history.js';

/** What an answer said of a file. What it did not say is absent. */
export interface Seen {
  /** For a person: what was asked. */
  readonly what: string;
  /** `false`: that there is no such file. */
  readonly exists: boolean;
  readonly etag?: string | undefined;
  /** Of the whole file. */
  readonly size?: Bytes | undefined;
  /** Bytes from `start` on. */
  readonly bytes?: { readonly start: Bytes; readonly content: Buffer } | undefined;
  /** A range that begins here was said to be beyond the end. */
  readonly beyond?: Bytes | undefined;
}

/** The problem with an answer, in lines; `undefined`: it is all of one version that was valid. */
export function judge(file: FileHistory, seen: Seen, asked: Asked): string[] | undefined {
  const valid = validVersions(file, asked);
  const hash = seen.bytes && hashOf(seen.bytes.content);
  const fits = (version: Version): boolean => isOf(file, version, seen, hash);
  if (valid.some(fits)) return undefined;
  return [
    `VIOLATION: ${problem(file, seen, valid, fits, hash)}`,
    `  ${seen.what} of ${asked.by} from ${asked.began.toFixed(1)} ms to ${asked.ended.toFixed(1)} ms`,
    ...describeHistory(file),
  ];
}

function isOf(file: FileHistory, version: Version, seen: Seen, hash: string | undefined): boolean {
  if (version.size === undefined || !seen.exists) return version.size === undefined && !seen.exists;
  const { etag, size, bytes, beyond } = seen;
  if (etag !== undefined && version.etag !== undefined && etag !== version.etag) return false;
  if (size !== undefined && size !== version.size) return false;
  if (beyond !== undefined && beyond < version.size) return false;
  return !bytes || isSlice(file, version, version.size, bytes, hash);
}

function isSlice(
  file: FileHistory,
  version: Version,
  size: Bytes,
  { start, content }: NonNullable<Seen['bytes']>,
  hash: string | undefined,
): boolean {
  const end = start + content.length;
  if (end > size) return false;
  if (content.length === size) return hash === version.hash;
  return sliceOf(file, version, start, end).equals(content);
}

function problem(
  file: FileHistory,
  seen: Seen,
  valid: readonly Version[],
  fits: (version: Version) => boolean,
  hash: string | undefined,
): string {
  const wanted = valid.map(({ number, size }) => `${number}${size === undefined ? ' (no file)' : ''}`).join(' or ');
  const must = `but must be version ${wanted} of ${file.path}`;
  if (!seen.exists) return `a file that exists was answered as missing, ${must}`;
  const whole = file.versions.find(fits);
  if (whole) return `version ${whole.number} was answered, ${must}`;
  const ofBytes = file.versions.find((version) => isOf(file, version, { ...seen, etag: undefined, size: undefined }, hash));
  const ofEtag = file.versions.find(({ etag }) => etag !== undefined && etag === seen.etag);
  const says = `ETag ${seen.etag ?? '(none)'} of version ${ofEtag?.number ?? '(none)'}, size ${seen.size ?? '(none)'}`;
  if (seen.bytes && ofBytes) return `bytes of version ${ofBytes.number} were answered with ${says}, ${must}`;
  if (!seen.bytes) return `${says} was answered, ${must}`;
  const { start, content } = seen.bytes;
  return `bytes of no version were answered with ${says}: ${describeBytes(file.seed, file.versions.length, start, content)}, ${must}`;
}
