import { GatewayError } from '../errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Time } from '../time.js';
import { SECOND, type Milliseconds } from '../units.js';

export type Transport = 'websocket' | 'sse';

/** A connection that stays open. */
export interface LiveConnection {
  readonly transport: Transport;
  /** Called every `HEARTBEAT`: keeps proxies from cutting it, and finds peers that are gone. */
  beat(): void;
  /** Tells the client that this gateway stops, and ends. */
  goAway(): void;
  /** Ends at once. */
  cut(): void;
}

const HEARTBEAT: Milliseconds = 12 * SECOND;
/** How long clients have to take the goodbye. */
const GOODBYE: Milliseconds = 2 * SECOND;

/** All connections of this process that stay open. */
export class LiveConnections {
  private readonly open = new Set<LiveConnection>();
  private closing = false;
  private stopBeating: (() => void) | undefined;
  private emptied = (): void => undefined;

  constructor(
    private readonly most: number,
    private readonly metrics: Pick<Metrics, 'liveConnections'>,
    private readonly time: Time,
  ) {}

  /** Why no further connection is taken; `undefined`: it is. */
  refusal(): GatewayError | undefined {
    if (this.closing) return new GatewayError('SOURCE_UNAVAILABLE', 'This gateway is shutting down; connect again.');
    if (this.open.size < this.most) return undefined;
    return new GatewayError(
      'RATE_LIMITED',
      `This gateway holds ${this.most} live connections, the most it takes; try again shortly.`,
    );
  }

  /** @returns to be called when the connection has ended */
  add(connection: LiveConnection): () => void {
    this.open.add(connection);
    this.metrics.liveConnections(connection.transport, 1);
    this.beatLater();
    return () => {
      if (!this.open.delete(connection)) return;
      this.metrics.liveConnections(connection.transport, -1);
      if (this.open.size === 0) this.emptied();
    };
  }

  /** Takes no more, says goodbye to all, and resolves when they have ended, or were cut. */
  async close(): Promise<void> {
    this.closing = true;
    this.stopBeating?.();
    if (this.open.size === 0) return;
    const ended = new Promise<void>((resolve) => (this.emptied = resolve));
    const cancel = this.time.after(GOODBYE, () => {
      for (const connection of [...this.open]) connection.cut();
      this.emptied();
    });
    for (const connection of [...this.open]) connection.goAway();
    await ended;
    cancel();
  }

  private beatLater(): void {
    if (this.closing) return;
    this.stopBeating ??= this.time.after(HEARTBEAT, () => {
      this.stopBeating = undefined;
      for (const connection of [...this.open]) connection.beat();
      if (this.open.size > 0) this.beatLater();
    });
  }
}
