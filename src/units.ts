/** Units are types: a number without its unit never crosses a module boundary. */

export type Milliseconds = number;
export type Seconds = number;
export type Minutes = number;
export type Bytes = number;
/**
 * Which transactions of the order database had finished at one moment, as the text of Postgres' `pg_snapshot`:
 * `xmin:xmax:xip,…`. A position in its history that is exact whatever order transactions commit in. A log of changes may add
 * something for itself, after a space.
 */
export type Snapshot = string;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMilliseconds = number;

/** The current time; injected, so that tests advance it and never sleep. */
export type Clock = () => EpochMilliseconds;

export const SECOND: Milliseconds = 1_000;
export const MINUTE: Milliseconds = 60 * SECOND;
export const HOUR: Milliseconds = 60 * MINUTE;
export const DAY: Milliseconds = 24 * HOUR;
export const KIB: Bytes = 1024;
export const MIB: Bytes = 1024 * KIB;
export const GIB: Bytes = 1024 * MIB;
