import type { Time } from '../time.js';
import type { EpochMilliseconds, Milliseconds } from '../units.js';
import type { FeedLog, FeedSession } from './feed-log.js';
import type { FeedState } from './feed-state.js';

export interface StandbyParts {
  readonly state: FeedState;
  readonly log: Pick<FeedLog, 'isBehind'>;
  readonly session: Pick<FeedSession, 'endLeader'>;
  readonly time: Time;
  /** How long a leader may show nothing while changes wait for it. */
  readonly patience: Milliseconds;
  readonly onEnd: () => void;
}

/**
 * Watches the leader. One that is stopped or hangs keeps its lock as long as its connection lives; it is recognised by a mark in
 * the store that stays the same although changes wait, and its session is ended. While the store does not answer nobody can
 * lead, so nobody is blamed.
 */
export class Standby {
  private seen: { readonly beat: string | undefined; readonly since: EpochMilliseconds } | undefined;

  constructor(private readonly parts: StandbyParts) {}

  /** @throws GatewayError when the database does not answer */
  async look(): Promise<void> {
    const { state, log, session, time, patience, onEnd } = this.parts;
    const loaded = await state.load();
    const now = time.now();
    if (loaded.kind === 'unavailable') {
      this.seen = undefined;
      return;
    }
    const beat = loaded.mark?.beat;
    if (!this.seen || this.seen.beat !== beat) this.seen = { beat, since: now };
    if (now - this.seen.since <= patience || !(await log.isBehind(loaded.mark?.snapshot))) return;
    onEnd();
    await session.endLeader();
    this.seen = undefined;
  }
}
