import { MIB, type Bytes } from '../../src/units.js';
import * as bounds from './bounds.js';
import type { FileCheckOptions } from './options.js';
import { isPlainUser, PLAIN_USER } from './plain-user.js';

/** What all gateways under check have in common. */
export function settings({ bug }: FileCheckOptions, cacheMax: Bytes): Record<string, string> {
  return {
    ...(bug && { CHECKER_BUG: bug }),
    ...(!isPlainUser && { CHECKER_USER: String(PLAIN_USER), HOME: '/' }),
    CHANGE_FEED: 'off',
    STORE_DEADLINE_MS: String(bounds.STORE_DEADLINE),
    FILL_LOCK_MS: String(bounds.FILL_LOCK),
    STALE_MAX_SECONDS: String(bounds.STALE_MAX),
    MEMORY_CACHE_MAX_BYTES: String(4 * MIB),
    FILE_TTL_SECONDS: String(bounds.FILE_TTL),
    FILE_ABSENT_TTL_SECONDS: String(bounds.ABSENT_TTL),
    FILE_INLINE_MAX_BYTES: String(bounds.INLINE_MAX),
    FILE_CACHE_MAX_BYTES: String(cacheMax),
    FILE_CACHE_FILE_MAX_BYTES: String(bounds.FILE_MAX),
    LOG_LEVEL: 'warn',
  };
}

/** For NODE_OPTIONS. */
export function preloads({ bug }: FileCheckOptions): string[] {
  const names = [...(bug ? ['bugs.mjs'] : []), ...(isPlainUser ? [] : ['plain-user.mjs'])];
  return names.map((name) => `--import ${new URL(name, import.meta.url).href}`);
}
