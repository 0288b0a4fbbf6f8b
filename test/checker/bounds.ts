import { SECOND, type Milliseconds, type Seconds } from '../../src/units.js';

/** Settings of the gateways under check: short times to live, so that many fills happen and the bounds are soon over. */
export const ORDER_TTL: Seconds = 8;
/** Of most gateways: then many entries live until they are due for a refresh. */
export const SHORT_TTL: Seconds = 1;
export const STALE_MAX: Seconds = 20;
export const DATABASE_TIMEOUT: Seconds = 3;
/** Twice the default: where all of this shares few cores, a shorter one would cry wolf. */
export const STORE_DEADLINE: Milliseconds = 300;
export const FILL_LOCK: Milliseconds = 500;
/** The clock of an instance is off by up to this much, in either direction. */
export const SKEW: Milliseconds = 1_500;

/** Times that the gateway tells are whole milliseconds; so much earlier or later nothing can be told apart. */
const ROUNDING: Milliseconds = 5;

/** Without Redis, a load is used again for at most so long (docs/guarantees.md, G5). */
export const REUSE_BOUND: Milliseconds = SECOND + ROUNDING;
/** A renewal that never reaches Redis: the old data lives until its time to live ends, by clocks that differ (G1). */
export const LOST_BOUND: Milliseconds = ORDER_TTL * SECOND + 2 * SKEW + ROUNDING;
/** Answers marked stale while the database is away (G5). */
export const STALE_BOUND: Milliseconds = LOST_BOUND + STALE_MAX * SECOND;
/** What other programs have committed is renewed so soon after, and after the feed has got somebody to lead it who is not disturbed. */
export const FEED_BOUND: Milliseconds = 3 * SECOND;
/** The wait between two tries of a renewal is at most 2 s; the rest is for its request, for reconnecting and for busy cores. */
export const RENEWAL_PATIENCE: Milliseconds = 8 * SECOND;
/** How long after a fault of the database a request may still fail of it: its own timeout, and a new connection. */
export const DATABASE_AFTERMATH: Milliseconds = (DATABASE_TIMEOUT + 1) * SECOND;
/** An answer that takes longer than this is none. */
export const PATIENCE: Milliseconds = 20 * SECOND;
