import { Alarm } from '../changes/alarm.js';
import type { ChangeLog } from '../changes/change-log.js';
import type { ChangeSignals } from '../changes/position.js';
import { covers, parseSnapshot } from '../changes/snapshot.js';
import type { Order } from '../orders/order.js';
import type { Time } from '../time.js';
import { MINUTE, SECOND, type EpochMilliseconds, type Milliseconds, type Snapshot } from '../units.js';
import { feedIsSilent, interrupted, tooManyChanges } from './interruption.js';
import { NetChanges, type LiveChange } from './net-changes.js';
import { Newness } from './newness.js';

/** How often the position of the renewals is looked at while a batch waits for it, and while the first one is awaited. */
const LOOK: Milliseconds = 20;
/** How long the first position may take. */
const START_PATIENCE: Milliseconds = 5 * SECOND;
/** A wake that gets lost delays events for no longer. */
const IDLE: Milliseconds = 2 * SECOND;
const RETRY: Milliseconds = 500;
/** Much less than the history is kept for; whoever got nowhere for longer may have missed some of it. */
const SILENCE_MAX: Milliseconds = 5 * MINUTE;
/** The most orders of one batch; each is loaded and held in memory. */
const BATCH_MAX = 5_000;

export interface ListenerParts {
  readonly signals: Pick<ChangeSignals, 'mode' | 'position' | 'openLog' | 'onWake'>;
  /** Orders as they are now, through the cache; `null`: there is none. In the order of `ids`. */
  readonly load: (ids: readonly string[]) => Promise<readonly (Order | null)[]>;
  readonly tell: (changes: readonly LiveChange[]) => void;
  /** Events may have been missed; the listener goes on from a new position. */
  readonly fail: (error: unknown) => void;
  readonly time: Time;
}

/**
 * Follows the history of changes while somebody wants to be told, and invalidates nothing.
 *
 * Invariant: a change is told only after the tokens that it touches were renewed, so what a client reads when it is told
 * is not older. A batch waits until every transaction that it shows is visible in the position of the renewals too. Batches
 * are told one after the other, each with orders loaded after that, so states of an order are told in the order of its
 * versions.
 */
export class Listener {
  private run: Run | undefined;

  constructor(private readonly parts: ListenerParts) {}

  /**
   * Changes that are committed after it has resolved are told until `stop`.
   * @throws GatewayError SOURCE_UNAVAILABLE if the feed does not say how far it is
   */
  start(): Promise<void> {
    this.run ??= new Run(this.parts, (run) => {
      if (this.run === run) this.run = undefined;
    });
    return this.run.started;
  }

  stop(): void {
    this.run?.stop();
  }
}

/** From a start to the stop that follows. */
class Run {
  readonly started: Promise<void>;
  private readonly alarm: Alarm;
  private readonly log: ChangeLog;
  private readonly newness: Newness;
  private readonly stopWaking: () => void;
  private stopped = false;
  private position: Snapshot | undefined;
  /** When it came to that position. */
  private since: EpochMilliseconds;

  constructor(
    private readonly parts: ListenerParts,
    private readonly onStop: (run: Run) => void,
  ) {
    const { signals, time } = parts;
    this.alarm = new Alarm(time);
    this.log = signals.openLog();
    this.stopWaking = signals.onWake(this.alarm.ring);
    this.since = time.now();
    this.newness = new Newness(signals.mode, this.since);
    this.started = this.begin();
    void this.started.then(() => this.follow()).catch(() => this.stop());
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.stopWaking();
    this.alarm.ring();
    this.onStop(this);
  }

  private async begin(): Promise<void> {
    const { signals, time } = this.parts;
    const deadline = time.now() + START_PATIENCE;
    for (;;) {
      this.position = await signals.position.current();
      if (this.position !== undefined || this.stopped) return;
      if (time.now() >= deadline) throw feedIsSilent();
      await this.pause(LOOK);
    }
  }

  private async follow(): Promise<void> {
    while (!this.stopped) {
      try {
        if (!(await this.step())) await this.alarm.sleep(IDLE);
      } catch (error) {
        if (this.isLost()) return this.parts.fail(interrupted(error));
        await this.pause(RETRY);
      }
    }
  }

  /** Tells what became visible after the position, and moves there. @returns whether there was anything */
  private async step(): Promise<boolean> {
    const { load, tell, fail } = this.parts;
    const { snapshot, shown, changes } = await this.read();
    const { ids, size } = changes;
    if (size > 0) await this.untilRenewed(shown);
    const orders = size > 0 && size <= BATCH_MAX ? await load(ids) : [];
    if (this.stopped) return false;
    this.position = snapshot;
    this.since = this.parts.time.now();
    if (size > BATCH_MAX) fail(tooManyChanges());
    else {
      const read = new Map(ids.map((id, index) => [id, orders[index] ?? null]));
      tell(changes.with(read, (order) => this.newness.isNew(order)));
    }
    return size > 0;
  }

  /** One more than fit into a batch are as good as all. */
  private async read(): Promise<{ snapshot: Snapshot; shown: Snapshot; changes: NetChanges }> {
    const { snapshot, shows, pages } = await this.log.read(this.position);
    const changes = new NetChanges();
    for await (const page of pages) {
      for (const change of page) changes.add(change);
      if (changes.size > BATCH_MAX) break;
    }
    return { snapshot, shown: shows(), changes };
  }

  private async untilRenewed(snapshot: Snapshot): Promise<void> {
    const wanted = parseSnapshot(snapshot);
    while (!this.stopped) {
      const renewed = await this.parts.signals.position.current();
      if (renewed !== undefined && covers(parseSnapshot(renewed), wanted)) return;
      if (this.isLost()) throw feedIsSilent();
      await this.pause(LOOK);
    }
  }

  private isLost(): boolean {
    return this.parts.time.now() - this.since > SILENCE_MAX;
  }

  private pause(delay: Milliseconds): Promise<void> {
    return new Promise((resolve) => this.parts.time.after(delay, resolve));
  }
}
