import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { sourceUnavailable } from '../errors.js';
import type { Time } from '../time.js';
import { HOUR, KIB, MINUTE, SECOND, type Bytes, type EpochMilliseconds, type Milliseconds } from '../units.js';

/** Keys that are older are asked for again, while nobody waits; so a new key is known before tokens are signed with it. */
export const KEYS_FRESH: Milliseconds = 5 * MINUTE;
/** Keys that are older are not believed any more: one of them may have been withdrawn. */
export const KEYS_TRUSTED: Milliseconds = 24 * HOUR;
/** However many tokens name keys that are not known, they are not asked for again sooner. */
export const COOLDOWN: Milliseconds = 10 * SECOND;
/** Nor sooner than this when they could not be had. */
export const RETRY: Milliseconds = SECOND;
/** Until the whole answer is there. */
const DEADLINE: Milliseconds = 3 * SECOND;
/** Some hundred keys. */
const ANSWER_MAX: Bytes = 256 * KIB;

interface Known {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly at: EpochMilliseconds;
}

/**
 * The public keys that an identity provider publishes as a JWK Set (RFC 7517 §5).
 *
 * Invariant: a token whose key is known waits for nobody. Only a key that is not known, or the first one, makes a request
 * wait for the provider, for `DEADLINE` at most; all who wait share one request.
 */
export class PublishedKeys {
  private known: Known | undefined;
  private asking: Promise<Known> | undefined;
  private failed: { readonly error: unknown; readonly at: EpochMilliseconds } | undefined;

  constructor(
    private readonly url: string,
    private readonly time: Time,
  ) {}

  /**
   * For `jwtVerify`.
   * @throws JOSEError if the token names none of the keys; GatewayError SOURCE_UNAVAILABLE if they cannot be had
   */
  readonly find = async (header?: JWSHeaderParameters, token?: FlattenedJWSInput): Promise<CryptoKey> => {
    const known = this.known && this.ageOf(this.known) < KEYS_TRUSTED ? this.known : await this.ask();
    if (this.ageOf(known) >= KEYS_FRESH) void this.ask().catch(() => undefined);
    try {
      return await known.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.ageOf(known) < COOLDOWN) throw error;
    }
    return (await this.ask()).find(header, token);
  };

  private ageOf({ at }: { readonly at: EpochMilliseconds }): Milliseconds {
    return this.time.now() - at;
  }

  /** Joins a request under way. After one that failed there is none for a while. */
  private ask(): Promise<Known> {
    if (this.failed && this.ageOf(this.failed) < RETRY) return Promise.reject(unavailable(this.failed.error));
    return (this.asking ??= this.load().finally(() => (this.asking = undefined)));
  }

  private async load(): Promise<Known> {
    // What it answers is as old as the question: a key may be published just after that.
    const at = this.time.now();
    try {
      const find = createLocalJWKSet(await download(this.url));
      this.failed = undefined;
      return (this.known = { find, at });
    } catch (error) {
      this.failed = { error, at: this.time.now() };
      throw unavailable(error);
    }
  }
}

function unavailable(cause: unknown): Error {
  return sourceUnavailable('identity provider', cause);
}

/** Redirections are not followed: the keys are those of the address that was configured. */
async function download(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(DEADLINE),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the JWK Set must be answered with status 200, but got: ${response.status}`);
  }
  return JSON.parse(await bounded(response)) as JSONWebKeySet;
}

async function bounded({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size: Bytes = 0;
  for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    // Leaving the loop ends the download.
    if (size > ANSWER_MAX) throw new Error(`the JWK Set must have at most ${ANSWER_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
