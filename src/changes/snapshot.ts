import type { Snapshot } from '../units.js';

/** A Postgres `pg_snapshot`, in parts: which transactions had finished at one moment. */
export interface ParsedSnapshot {
  /** All transactions below had finished. */
  readonly xmin: bigint;
  /** This transaction and all above had not finished, or not begun. */
  readonly xmax: bigint;
  /** Those in between that had not finished. */
  readonly inProgress: ReadonlySet<bigint>;
}

const FORM = /^(\d+):(\d+):([\d,]*)$/;

/** Without what a log adds for itself after a space. */
export function bareSnapshot(text: Snapshot): Snapshot {
  return text.replace(/ .*/, '');
}

/**
 * The parts of `xmin:xmax:xip,…`, and of nothing that follows.
 * @throws RangeError for any other text
 */
export function parseSnapshot(text: Snapshot): ParsedSnapshot {
  const [, xmin, xmax, list] = FORM.exec(bareSnapshot(text)) ?? [];
  if (xmin === undefined || xmax === undefined) throw new RangeError(`a snapshot must be "xmin:xmax:xip,…", but got: ${text}`);
  const inProgress = new Set(list ? list.split(',').map(BigInt) : []);
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), inProgress };
}

/** As Postgres' `pg_visible_in_snapshot`: whether the transaction had finished. */
export function isVisible(xid: bigint, { xmin, xmax, inProgress }: ParsedSnapshot): boolean {
  return xid < xmin || (xid < xmax && !inProgress.has(xid));
}

/** Whether every transaction that is visible in `b` is visible in `a` too. */
export function covers(a: ParsedSnapshot, b: ParsedSnapshot): boolean {
  for (const xid of a.inProgress) if (isVisible(xid, b)) return false;
  // Those from a.xmax on are invisible in `a`, so they must be in `b`: below b.xmax, that is only what was in progress.
  if (b.xmax <= a.xmax) return true;
  let invisible = 0n;
  for (const xid of b.inProgress) if (xid >= a.xmax) invisible += 1n;
  return invisible === b.xmax - a.xmax;
}
