import type { Time } from '../time.js';
import type { Milliseconds } from '../units.js';

/** Wakes one sleeper. A ring while it is busy is not lost: its next sleep ends at once. */
export class Alarm {
  private rung = false;
  private wake: (() => void) | undefined;

  constructor(private readonly time: Time) {}

  readonly ring = (): void => {
    this.rung = true;
    this.wake?.();
  };

  /** Sleeps until the next ring, for `most` at the longest. */
  async sleep(most: Milliseconds): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const cancel = this.time.after(most, resolve);
        this.wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.wake = undefined;
    this.rung = false;
  }
}
