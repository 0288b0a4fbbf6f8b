import { GatewayError } from '../errors.js';

/**
 * Bounds what is asked of a source at once. So many loads run, so many wait in turn, and any beyond that are refused: a
 * source that has too much to do already is not helped by more of it.
 */
export class LoadGate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly source: string,
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
  ) {}

  /** @throws GatewayError SOURCE_UNAVAILABLE if too many wait already; whatever `load` throws */
  async run<T>(load: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await load();
    } finally {
      this.leave();
    }
  }

  private enter(): Promise<void> {
    if (this.running < this.maxRunning) {
      this.running += 1;
      return Promise.resolve();
    }
    if (this.waiting.length >= this.maxWaiting) {
      throw new GatewayError('SOURCE_UNAVAILABLE', `The ${this.source} has too much to do at the moment; try again shortly.`);
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Whoever waits longest takes the place over. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }
}
