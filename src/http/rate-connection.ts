import type { Viewer } from '../access/viewer.js';
import type { Bytes } from '../units.js';
import { describeError } from './http-error.js';
import type { LiveDeps } from './live.js';
import { newRateNotes } from './rate-limits.js';

/** So many messages are still heard after a limit was used up, so that each operation among them is told why it is refused. */
const PATIENCE = 100;

/** What one WebSocket has used. A message costs by its size, an operation its cost besides. */
export class ConnectionRates {
  private readonly notes = newRateNotes();
  private viewer: Viewer | undefined;
  private refused = 0;

  constructor(
    private readonly address: string,
    private readonly deps: Pick<LiveDeps, 'rates'>,
  ) {}

  /** Counts a message of so many bytes. @returns why no more is heard, if that is so */
  hear(size: Bytes): string | undefined {
    if (!this.deps.rates.areOn) return undefined;
    try {
      this.deps.rates.hear(this.asking, size, this.notes);
      this.refused = 0;
      return undefined;
    } catch (error) {
      this.refused += 1;
      return this.refused > PATIENCE ? describeError(error).message : undefined;
    }
  }

  /** Finds out who has these credentials, by `check`. @throws what it throws; GatewayError RATE_LIMITED */
  async prove<C extends { readonly viewer: Viewer }>(credentials: string, check: () => Promise<C>): Promise<C> {
    const { rates } = this.deps;
    rates.arrive(this.address, credentials, this.notes);
    try {
      const caller = await check();
      rates.proved(this.address, credentials, true);
      this.viewer = caller.viewer;
      return caller;
    } catch (error) {
      if (describeError(error).code === 'UNAUTHENTICATED') rates.proved(this.address, credentials, false);
      throw error;
    }
  }

  /** @throws GatewayError RATE_LIMITED */
  spend(cost: number): void {
    if (this.deps.rates.areOn) this.deps.rates.spend(this.asking, cost, this.notes);
  }

  private get asking() {
    return { address: this.address, viewer: this.viewer };
  }
}
