import type { Time } from '../../time.js';
import type { Claims, ForeignClaim } from './claims.js';
import { Production } from './production.js';
import type { SliceFile } from './slice-file.js';

const LOOK_EACH = 12;
const LOOKS_PER_CHECK = 16;
/** How much of the map one look reads. */
const WINDOW = 512;

/** The run of another process, seen from here: its slices are found in the map as they come. */
export class Follower extends Production {
  constructor(
    private readonly file: SliceFile,
    slice: number,
    private readonly claim: ForeignClaim,
    private readonly parts: { readonly claims: Claims; readonly time: Time },
  ) {
    super(slice, claim.last);
  }

  /** Resolves when all slices have come, or when no more of them are to be expected. */
  async run(): Promise<void> {
    this.begin();
    try {
      for (let look = 1; !this.stopped && !this.file.removed; look += 1) {
        // A run ends after its last slice is written: so the claim is looked at before the map.
        const alive = look % LOOKS_PER_CHECK !== 0 || (await this.parts.claims.isAlive(this.claim));
        await this.look();
        if (!alive || this.next > this.last || this.isPassed) break;
        await new Promise<void>((resolve) => this.parts.time.after(LOOK_EACH, resolve));
      }
      this.end();
    } catch (error) {
      this.end(error);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** The run has gone past a slice that was lost since, and will not bring it again. */
  private get isPassed(): boolean {
    return this.next < this.last && this.file.has(this.next + 1);
  }

  private async look(): Promise<void> {
    await this.file.look(this.parts.time.now());
    await this.file.refresh({ first: this.next, last: Math.min(this.last, this.next + WINDOW) });
    const missing = this.file.firstMissing({ first: this.next, last: this.last }) ?? this.last + 1;
    if (missing > this.next) this.advanceTo(missing);
  }
}
