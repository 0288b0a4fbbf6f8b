import { createHmac, timingSafeEqual } from 'node:crypto';
import { GatewayError, quoted } from '../errors.js';
import { DAY, SECOND, type Clock, type Seconds } from '../units.js';

/** The same as the longest that S3 allows for its presigned URLs. */
export const MAX_URL_LIFETIME: Seconds = (7 * DAY) / SECOND;

const MIN_KEY_BYTES = 16;
const MAX_KEYS = 2;
const PARAMETERS: readonly string[] = ['expires', 'scope', 'signature'];

export interface SignOptions {
  readonly expiresIn: Seconds;
  /** On whose behalf the URL was made; readable in the URL, and part of what is signed. */
  readonly scope?: string;
}

export type Verdict = 'valid' | 'expired' | 'invalid' | 'absent';

export interface UrlSigner {
  /** @returns the query string of a URL that opens `path`, and nothing else: `expires=…&scope=…&signature=…` */
  sign(path: string, options: SignOptions): string;
  /**
   * @param query the query string as it arrived, without `?`
   * @returns `absent` if it holds no signature; `expired` only for one that was valid
   */
  verify(path: string, query: string): Verdict;
}

export interface UrlSignerOptions {
  /** One or two secrets of at least 16 bytes: the first signs, all verify, so that they can be rotated. */
  readonly keys: readonly Buffer[];
  readonly clock: Clock;
}

/**
 * URLs that carry their own permission: HMAC-SHA256 (RFC 2104) over the format's version, the methods, the path, the
 * expiry and the scope. The fields are joined as a JSON array, so no two sets of them give the same text.
 *
 * @throws RangeError if there are not one or two keys of at least 16 bytes
 */
export function createUrlSigner({ keys, clock }: UrlSignerOptions): UrlSigner {
  const [signing] = keys;
  if (!signing || keys.length > MAX_KEYS || keys.some((key) => key.length < MIN_KEY_BYTES)) {
    throw new RangeError(`keys must be one or ${MAX_KEYS} secrets of at least ${MIN_KEY_BYTES} bytes`);
  }
  return {
    sign(path, { expiresIn, scope }) {
      const expires = String(Math.floor(clock() / SECOND) + checkExpiresIn(expiresIn));
      const signature = signatureOf(signing, path, expires, scope);
      return new URLSearchParams({ expires, ...(scope !== undefined && { scope }), signature }).toString();
    },
    verify(path, query) {
      const params = new URLSearchParams(query);
      const signature = params.get('signature');
      if (signature === null) return 'absent';
      const expires = params.get('expires') ?? '';
      if (!/^\d{1,12}$/.test(expires) || PARAMETERS.some((name) => params.getAll(name).length > 1)) return 'invalid';
      const scope = params.get('scope') ?? undefined;
      const genuine = keys.map((key) => sameText(signature, signatureOf(key, path, expires, scope))).includes(true);
      if (!genuine) return 'invalid';
      return clock() < Number(expires) * SECOND ? 'valid' : 'expired';
    },
  };
}

/**
 * How long a URL shall open its file.
 *
 * @throws GatewayError BAD_USER_INPUT unless it is a whole number of seconds from 1 to `MAX_URL_LIFETIME`
 */
export function checkExpiresIn(expiresIn: Seconds): Seconds {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= MAX_URL_LIFETIME) return expiresIn;
  const expected = `a whole number of seconds from 1 to ${MAX_URL_LIFETIME}`;
  throw new GatewayError('BAD_USER_INPUT', `expiresIn must be ${expected}, but got: ${quoted(expiresIn)}`);
}

function signatureOf(key: Buffer, path: string, expires: string, scope: string | undefined): string {
  const signed = JSON.stringify(['mes-gateway file URL v1', 'GET,HEAD', path, expires, scope ?? null]);
  return createHmac('sha256', key).update(signed).digest('base64url');
}

/** Compares the texts, not what they decode to: base64url has several spellings of the same bytes. */
function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
