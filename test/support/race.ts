import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, type Milliseconds } from '../../src/units.js';
import type { GatewayProcess } from './gateway.js';
import type { Hold, Proxy } from './proxy.js';

const POLL: Milliseconds = 20;
/** What does not come at all is found as well by a long wait, and what comes late on a busy machine is no failure. */
const PATIENCE: Milliseconds = 30 * SECOND;

/** Waits until `condition` gives true. @throws naming `what` when that takes longer than `patience` */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patience: Milliseconds = PATIENCE,
): Promise<void> {
  const deadline = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patience} ms`);
    await sleep(POLL);
  }
}

/** `promise`, or an error naming `what` after `patience`. */
export async function within<T>(what: string, promise: Promise<T>, patience: Milliseconds = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Holds the first answer that contains `text`, and what follows it on its connection; all other connections go on. */
export function holdFirst(proxy: Proxy, text = ''): Hold {
  let taken = false;
  return proxy.holdResponses((piece) => {
    if (taken || !piece.includes(text)) return false;
    return (taken = true);
  });
}

/** Counts answers that contain `text`, from now on, without holding any. */
export function countAnswers(proxy: Proxy, text: string): () => number {
  // A piece that another hold keeps back is looked at again when it goes on.
  const seen = new Set<Buffer>();
  proxy.holdResponses((piece) => {
    if (piece.includes(text)) seen.add(piece);
    return false;
  });
  return () => seen.size;
}

/** What takes part in one race between a slow fill and an invalidation. */
export interface Race {
  /** Holds the source's answer to the next load. */
  hold(): Hold;
  /** A read by the instance whose load is held. */
  slowRead(): Promise<unknown>;
  /** Changes what is read; settles when the change was acknowledged. */
  change(): Promise<unknown>;
  /** Runs while the source has answered, the change is acknowledged, and the fill has not ended. */
  meanwhile?(): Promise<unknown>;
  /** Reads by whoever must see the change, one after another. */
  readonly readers: readonly (() => Promise<unknown>)[];
}

/** The order of events that serves old data for ever in many caches: fill starts, row changes, invalidation, fill ends, read. */
export async function runRace(race: Race): Promise<{ slow: unknown; meanwhile: unknown; after: unknown[] }> {
  const hold = race.hold();
  try {
    const slow = race.slowRead();
    await within('the load whose answer is held', hold.heldOnce);
    await within('the acknowledgement of the change', race.change());
    const meanwhile = await within('a read while the answer is held', race.meanwhile?.() ?? Promise.resolve(undefined));
    hold.release();
    const answered = await within('the end of the slow read', slow);
    const after: unknown[] = [];
    for (const reader of race.readers) after.push(await within('a read after the race', reader()));
    return { slow: answered, meanwhile, after };
  } finally {
    hold.release();
  }
}

/** The value of a metric of `/metrics`, by its name and labels as they are printed. */
export async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await gateway.get('/metrics')).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? NaN : Number(line.slice(name.length + 1));
}

/** A whole-hour time zone in which it is about noon now, so that "today" does not end while a test runs. */
export function noonTimeZone(): string {
  const ahead = 12 - new Date().getUTCHours();
  // The sign of these names is that of POSIX: "Etc/GMT-2" is two hours ahead of UTC.
  return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}
