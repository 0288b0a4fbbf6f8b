/**
 * One load that several flights wait for, and how many readers wait for it by them. When the last one has left, nobody can
 * have come by the end of the same tick: what began the load is told at once, takes its flights out so that none can be joined
 * any more, and the source is told by `signal`.
 */
export class SharedLoad {
  private readonly controller = new AbortController();

  /** @param onAbandoned is called when nobody waits any more, at most once */
  constructor(
    private waiting: number,
    private readonly onAbandoned: () => void,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  changed(difference: 1 | -1): void {
    this.waiting += difference;
    if (this.waiting > 0 || this.signal.aborted) return;
    this.onAbandoned();
    this.controller.abort();
  }
}
