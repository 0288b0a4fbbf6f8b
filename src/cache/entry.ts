import { randomBytes } from 'node:crypto';
import { HOUR, type EpochMilliseconds, type Milliseconds } from '../units.js';
import type { StoredValue } from './store.js';

/**
 * A random value that never comes back, together with the epoch of the store in which it was read or written. An entry is
 * valid only while the token of its key is the one that it carries.
 */
export type Token = string;

/** As long as an entry is kept at most, stale time included: a token that expires first would only cost a fill. */
export const TOKEN_TTL: Milliseconds = 48 * HOUR;

/** Of entries and of all values in them: what another version of the gateway stored in another format is a miss. */
export const ENTRY_FORMAT = 3;

/** What is cached under one key. */
export interface Entry<V> {
  readonly format: typeof ENTRY_FORMAT;
  readonly token: Token;
  /** The source was asked at or after this moment. */
  readonly loadedAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
  /** How long the load took. */
  readonly cost: Milliseconds;
  readonly value: V;
}

/** 96 random bits: never the same twice in the life of a plant. */
export function newNonce(): string {
  return randomBytes(12).toString('base64url');
}

/** The token that a stored nonce stands for in one epoch of the store. `undefined`: there is none, which is a miss. */
export function tokenOf(epoch: string, nonce: StoredValue | undefined): Token | undefined {
  return typeof nonce === 'string' ? `${epoch}/${nonce}` : undefined;
}

/** The part of a token that the store keeps. */
export function nonceOf(token: Token): string {
  return token.slice(token.lastIndexOf('/') + 1);
}

/** Whether something read from the store has the form of an entry; what a stranger wrote there is a miss. */
export function isEntry(stored: StoredValue | undefined): stored is Entry<unknown> {
  return (
    typeof stored === 'object' &&
    'format' in stored &&
    stored.format === ENTRY_FORMAT &&
    'token' in stored &&
    typeof stored.token === 'string' &&
    'loadedAt' in stored &&
    typeof stored.loadedAt === 'number' &&
    'expiresAt' in stored &&
    typeof stored.expiresAt === 'number' &&
    'cost' in stored &&
    typeof stored.cost === 'number' &&
    'value' in stored
  );
}
