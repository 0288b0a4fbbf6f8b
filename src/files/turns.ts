/** Lets those who share a key follow each other, in the order in which they came. */
export class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** Resolves when it is one's turn, to what ends it; that must be called in any case. */
  async take(key: string): Promise<() => void> {
    const before = this.last.get(key);
    let resolve = (): void => undefined;
    const over = new Promise<void>((ended) => (resolve = ended));
    this.last.set(key, over);
    await before;
    return () => {
      if (this.last.get(key) === over) this.last.delete(key);
      resolve();
    };
  }

  /** Runs `use`, which may ask once for its turn; that lasts until `use` has ended, and passes if `use` ended before. */
  async during<T>(key: string, use: (turn: () => Promise<unknown>) => Promise<T>): Promise<T> {
    let turn: Promise<() => void> | undefined;
    try {
      return await use(() => (turn = this.take(key)));
    } finally {
      void turn?.then((end) => end());
    }
  }
}
