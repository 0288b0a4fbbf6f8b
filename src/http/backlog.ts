import type { Bytes } from '../units.js';

const COUNT_MAX = 1_000;
const SIZE_MAX: Bytes = 1024 * 1024;

/** What was handed to a connection and its client has not taken; counted, not held. */
export class Backlog {
  private count = 0;
  private size: Bytes = 0;

  /** Whether the client is so slow that nothing more may be added. */
  get isFull(): boolean {
    return this.count >= COUNT_MAX || this.size >= SIZE_MAX;
  }

  /** @returns to be called when the client has taken it, or never will */
  add(size: Bytes): () => void {
    this.count += 1;
    this.size += size;
    return () => {
      this.count -= 1;
      this.size -= size;
    };
  }
}
