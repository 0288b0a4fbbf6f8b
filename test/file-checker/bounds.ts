import { KIB, MIB, MINUTE, SECOND, type Bytes, type Milliseconds, type Seconds } from '../../src/units.js';

/** Settings of the gateways under check: lives and limits so short that fills, revalidation and eviction never end. */
export const FILE_TTL: Seconds = 2;
export const ABSENT_TTL: Seconds = 1;
export const STALE_MAX: Seconds = 3;
/** Twice the default: where all of this shares few cores, a shorter one would cry wolf. */
export const STORE_DEADLINE: Milliseconds = 300;
export const FILL_LOCK: Milliseconds = 500;
export const INLINE_MAX: Bytes = 64 * KIB;
/** Files above it pass through. */
export const FILE_MAX: Bytes = 3 * MIB;
/** The folder of a host may hold this part of all bytes. */
export const CACHE_SHARE = 0.3;
/** What the folder may hold above that, once its gateways have had time to tidy up: what each may have under way. */
export const CACHE_SLACK: Bytes = 2 * FILE_MAX;

/** Times that the gateway tells are whole milliseconds; so much earlier or later nothing can be told apart. */
const ROUNDING: Milliseconds = 5;
/** Without Redis, a load is used again for at most so long (docs/guarantees.md, G5). */
export const REUSE_BOUND: Milliseconds = SECOND + ROUNDING;
/** A change that nobody announced is seen when the metadata has expired, and a load on busy cores has ended. */
export const CALM_BOUND: Milliseconds = FILE_TTL * SECOND + 1_500;
/** The longest that a process is stopped, and that the store of files answers late. */
export const LONGEST_STOP: Milliseconds = 3 * SECOND;
/** The same with a fault: an expired entry may stand in, and a load that began before the change may end late. */
export const DISTURBED_BOUND: Milliseconds = CALM_BOUND + STALE_MAX * SECOND + 2 * LONGEST_STOP;
/** How long after a fault of the store of files a download may still fail of it. */
export const ORIGIN_AFTERMATH: Milliseconds = 3 * SECOND;
/** For an upload whose end is not known: nothing of it is under way any more. */
export const UPLOAD_AFTERMATH: Milliseconds = 3 * SECOND;
/** The wait between two tries of a renewal is at most 2 s; the rest is for its request, for reconnecting and for busy cores. */
export const RENEWAL_PATIENCE: Milliseconds = 8 * SECOND;
/** An answer that stands still for longer than this is none. */
export const PATIENCE: Milliseconds = 20 * SECOND;
/** What dead processes have left of files in the making and of claims is removed by a scan, a minute after its last sign of life. */
export const LEFTOVER_BOUND: Milliseconds = 2 * MINUTE;
