import type { FastifyBaseLogger } from 'fastify';

/** What has to be closed, in the reverse order of its opening. */
export class Closing {
  private readonly steps: (() => Promise<void> | void)[] = [];

  push(step: () => Promise<void> | void): void {
    this.steps.push(step);
  }

  /** Takes every step, also after one that failed. */
  async run(log: Pick<FastifyBaseLogger, 'error'>): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      try {
        await step();
      } catch (error) {
        log.error({ err: error }, 'closing failed');
      }
    }
  }
}
