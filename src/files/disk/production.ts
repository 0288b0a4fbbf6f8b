import type { Slices } from './layout.js';

/** Slices that are on their way into a file, in their order, and who waits for them. */
export class Production implements Slices {
  /** The first slice that has not come yet. */
  next: number;
  ended = false;
  /** Nobody wanted more of it, so it ends soon. */
  stopped = false;
  /** Why it ended before its last slice, unless nobody wanted more or somebody else brings the rest. */
  failure: Error | undefined;
  /** Resolves when the first slice may be expected; rejects with the failure if it ends before that. */
  readonly opened: Promise<void>;
  private open!: () => void;
  private refuse!: (reason: Error) => void;
  private wake!: () => void;
  private nextChange!: Promise<void>;

  constructor(
    readonly first: number,
    readonly last: number,
  ) {
    this.next = first;
    this.opened = new Promise((resolve, reject) => {
      this.open = resolve;
      this.refuse = reject;
    });
    this.opened.catch(() => undefined);
    this.renewChange();
  }

  /** Resolves when further slices have come, or at the end. */
  get changed(): Promise<void> {
    return this.nextChange;
  }

  begin(): void {
    this.open();
  }

  advanceTo(next: number): void {
    this.next = next;
    this.wake();
    this.renewChange();
  }

  /** @param trouble what was thrown, if something was */
  end(trouble?: unknown): void {
    this.ended = true;
    this.failure = trouble === undefined || trouble instanceof Error ? trouble : new Error('a run failed', { cause: trouble });
    if (this.failure) this.refuse(this.failure);
    else this.open();
    this.wake();
  }

  private renewChange(): void {
    this.nextChange = new Promise((resolve) => (this.wake = resolve));
  }
}
