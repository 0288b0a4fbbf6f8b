import type { FeedMode } from './position.js';
import type { Clock, EpochMilliseconds, Milliseconds } from '../units.js';

/** How the feed of one process works at the moment: for operators, and for those who may rely on it. */
export class FeedStatus {
  connected = false;
  /** `undefined`: not decided yet. */
  mode: FeedMode | undefined;
  leading = false;
  /** For each read that is not done with: since when its oldest change has waited. */
  private readonly waiting = new Set<{ readonly since: EpochMilliseconds }>();

  constructor(private readonly clock: Clock) {}

  /** A change of this age waits for its renewal, until the returned function is called. */
  waits(age: Milliseconds): () => void {
    const entry = { since: this.clock() - age };
    this.waiting.add(entry);
    return () => void this.waiting.delete(entry);
  }

  /** Whether all changes, by whomever, are in the outbox. */
  get recordsChanges(): boolean {
    return this.mode === 'outbox';
  }

  /** Whether changes by other programs are announced. */
  get seesChanges(): boolean {
    return this.connected && this.mode !== undefined && this.mode !== 'off';
  }

  /** The age of the oldest change that was read and waits for its renewal; 0: none does. */
  get lag(): Milliseconds {
    const oldest = Math.min(...[...this.waiting].map(({ since }) => since));
    return Math.max(0, Number.isFinite(oldest) ? this.clock() - oldest : 0);
  }
}
