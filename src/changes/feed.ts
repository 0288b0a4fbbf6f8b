import { GatewayError, sourceUnavailable } from '../errors.js';
import type { Time } from '../time.js';
import { SECOND, type Milliseconds } from '../units.js';
import { Alarm } from './alarm.js';
import type { ChangeLog } from './change-log.js';
import { NotAcknowledgedError, type Drain } from './drain.js';
import type { FeedLog, FeedSession } from './feed-log.js';
import type { FeedState } from './feed-state.js';
import type { FeedStatus } from './feed-status.js';
import { FeedTerm } from './feed-term.js';
import type { ChangeSignals, FeedMode } from './position.js';
import { Standby } from './standby.js';

/** So that a position soon covers what a follower has read a moment later. */
const LIVELY_PAUSE: Milliseconds = 25;
const STANDBY_PAUSE: Milliseconds = SECOND / 2;
const STANDBY_PATIENCE: Milliseconds = 5 * SECOND;
const RETRY_MIN: Milliseconds = SECOND / 10;
const RETRY_MAX: Milliseconds = 5 * SECOND;
/** How long one who could not renew leaves the lead to others. */
const STEP_DOWN_PAUSE: Milliseconds = SECOND;

type ActiveMode = Exclude<FeedMode, 'off'>;

export interface FeedParts {
  /** Opens a connection that calls `onAnnounce` whenever the database announces a change. */
  readonly connect: (onAnnounce: () => void) => Promise<FeedSession>;
  /** Absent: `decide` is asked on the first connection. */
  readonly mode?: FeedMode;
  /** Rejects when what is wanted is not possible yet. */
  readonly decide: () => Promise<FeedMode>;
  readonly makeLog: (mode: ActiveMode) => FeedLog;
  readonly drain: Drain;
  readonly state: FeedState;
  readonly status: FeedStatus;
  readonly time: Time;
  /** The longest pause between two reads. */
  readonly idle: (mode: FeedMode) => Milliseconds;
  readonly retention: Milliseconds;
  readonly log: FeedJournal;
}

/** What an operator reads of the feed. */
export interface FeedJournal {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
}

/**
 * The change feed of one process: connects, leads or stands by, and begins again when something fails. It needs nothing that
 * works at its start, and never throws once it runs.
 */
export class ChangeFeed implements ChangeSignals {
  readonly position: ChangeSignals['position'];
  private readonly listeners = new Set<() => void>();
  private readonly alarm: Alarm;
  /** Rung at the end only. */
  private readonly retry: Alarm;
  private term: FeedTerm | undefined;
  private running: Promise<void> | undefined;
  private cancelTick: (() => void) | undefined;
  private closed = false;
  private failures = 0;

  constructor(private readonly parts: FeedParts) {
    this.position = parts.state;
    parts.status.mode = parts.mode;
    this.alarm = new Alarm(parts.time);
    this.retry = new Alarm(parts.time);
  }

  get mode(): FeedMode | undefined {
    return this.parts.status.mode;
  }

  openLog(): ChangeLog {
    let log: ChangeLog | undefined;
    return {
      read: async (since) => {
        if (this.mode === undefined || this.mode === 'off') throw sourceUnavailable('feed of changes');
        log ??= this.parts.makeLog(this.mode);
        return log.read(since);
      },
    };
  }

  onWake(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Connects and decides how changes are noticed; then goes on in the background.
   * @throws what `decide` throws when the database answered; one that does not answer is no failure, it is tried again
   */
  async start(): Promise<void> {
    if (this.mode === 'off') return;
    const session = await this.parts.connect(this.announce).catch((error: unknown) => {
      this.failed(error);
      return undefined;
    });
    if (session) {
      try {
        this.parts.status.mode ??= await this.parts.decide();
      } catch (error) {
        if (!(error instanceof GatewayError)) {
          await session.close();
          throw error;
        }
        this.failed(error);
      }
    }
    this.tick();
    this.running = this.live(session);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelTick?.();
    this.term?.stop();
    this.alarm.ring();
    this.retry.ring();
    await this.running;
  }

  private async live(first: FeedSession | undefined): Promise<void> {
    let session = first;
    while (!this.closed) {
      try {
        session ??= await this.parts.connect(this.announce);
        const mode = (this.parts.status.mode ??= await this.parts.decide());
        if (mode === 'off') break;
        await this.serve(session, mode);
      } catch (error) {
        this.failed(error);
      }
      this.parts.status.connected = false;
      await session?.close();
      session = undefined;
      await this.rest(Math.min(RETRY_MIN * 2 ** this.failures, RETRY_MAX));
    }
    await session?.close();
  }

  /** Leads or stands by until the connection is lost. */
  private async serve(session: FeedSession, mode: ActiveMode): Promise<void> {
    let open = true;
    void session.lost.then(() => {
      open = false;
      this.term?.stop();
      this.alarm.ring();
    });
    const { state, time, log: journal } = this.parts;
    const onEnd = () => journal.warn({}, 'the leader of the change feed does not get on; ending its session');
    // A leader shows itself once in each pause, at the least.
    const patience = Math.max(STANDBY_PATIENCE, 2.5 * this.parts.idle(mode));
    const standby = new Standby({ state, log: this.parts.makeLog(mode), session, time, patience, onEnd });
    const isOpen = () => open && !this.closed;
    while (isOpen()) {
      if (!(await session.tryLead())) {
        await standby.look();
        this.works();
        if (isOpen()) await this.pause(STANDBY_PAUSE);
        continue;
      }
      try {
        await this.lead(mode, isOpen);
      } finally {
        this.parts.status.leading = false;
        await session.stopLeading();
      }
      if (isOpen()) await this.pause(STEP_DOWN_PAUSE);
    }
    if (!this.closed) throw sourceUnavailable('order database');
  }

  /** Until the session is lost, or the store does not acknowledge. */
  private async lead(mode: ActiveMode, isOpen: () => boolean): Promise<void> {
    const { state, drain, time, retention, status, log: journal } = this.parts;
    const loaded = await state.load();
    if (loaded.kind === 'unavailable' || !isOpen()) return;
    const onPruneFailed = (err: unknown) => journal.warn({ err }, 'the outbox cannot be pruned, and grows');
    const log = this.parts.makeLog(mode);
    const idle = this.parts.idle(mode);
    // Who polls has said how often.
    const lively = mode === 'poll' ? idle : LIVELY_PAUSE;
    const term = new FeedTerm({ log, drain, state, time, idle, lively, retention, onRead: this.works, onPruneFailed });
    this.term = term;
    status.leading = true;
    journal.info({ mode }, 'leading the change feed');
    try {
      await term.run(loaded.mark?.snapshot);
    } catch (error) {
      if (!(error instanceof NotAcknowledgedError)) throw error;
      journal.warn({ reason: error.message }, 'not leading the change feed any more');
    } finally {
      this.term = undefined;
    }
  }

  /** Not before something was read: a connection alone does not show that the log is there, and may be read. */
  private readonly works = (): void => {
    if (this.failures > 0) this.parts.log.info({}, 'the change feed works again');
    this.failures = 0;
    this.parts.status.connected = true;
  };

  private failed(error: unknown): void {
    if (this.failures === 0) this.parts.log.warn({ err: error }, 'the change feed does not work; trying again');
    this.failures += 1;
  }

  /** Before the next attempt: not cut short by the end of the connection that was just lost. */
  private rest(most: Milliseconds): Promise<void> {
    return this.closed ? Promise.resolve() : this.retry.sleep(most);
  }

  private pause(most: Milliseconds): Promise<void> {
    return this.closed ? Promise.resolve() : this.alarm.sleep(most);
  }

  private readonly announce = (): void => {
    this.term?.wake();
    for (const listener of this.listeners) listener();
  };

  /** Wakes the listeners also when nothing is announced, as the term wakes by itself. */
  private tick(): void {
    const idle = this.parts.idle(this.mode ?? 'outbox');
    this.cancelTick = this.parts.time.after(idle, () => {
      for (const listener of this.listeners) listener();
      this.tick();
    });
  }
}
