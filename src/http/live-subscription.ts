import type { DocumentNode } from 'graphql';
import type { Asker, OperationText } from '../graphql/operations.js';
import type { LiveDeps } from './live.js';

/** One subscription of one client, from its begin to its end. */
export class LiveSubscription {
  /** Resolves when the subscription has ended; rejects if events may have been missed. */
  readonly over: Promise<void>;
  private leaveStream = (): void => undefined;
  private isOver = false;
  private settle!: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  private constructor(private readonly metrics: LiveDeps['metrics']) {
    this.over = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Whoever has left does not look at it any more.
    this.over.catch(() => undefined);
  }

  /**
   * Resolves when everything that is committed from then on will be handed to `send`, as JSON.
   * @throws SubscriptionError
   */
  static async begin(
    document: DocumentNode,
    request: OperationText,
    asker: Asker,
    { operations, metrics }: Pick<LiveDeps, 'operations' | 'metrics'>,
    send: (text: string) => void,
  ): Promise<LiveSubscription> {
    const subscription = new LiveSubscription(metrics);
    const next = (text: string): void => {
      metrics.liveEvent();
      send(text);
    };
    const end = (error?: unknown): void => subscription.end(error);
    metrics.liveSubscriptions(1);
    try {
      subscription.leaveStream = await operations.subscribe(document, request, asker, { next, end });
      return subscription;
    } catch (error) {
      subscription.leave();
      throw error;
    }
  }

  leave(): void {
    this.leaveStream();
    this.end();
  }

  private end(error?: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.metrics.liveSubscriptions(-1);
    if (error === undefined) return this.settle.resolve();
    this.metrics.liveDropped('interrupted');
    this.settle.reject(error);
  }
}
