import type { Bytes } from '../../units.js';

/** Where the bytes of an answer came from. `disk`: also those that were written there a moment before. */
export type FileTier = 'memory' | 'disk' | 'origin';

/** What happens to files, for those who watch. */
export interface FileMetrics {
  served(tier: FileTier, bytes: Bytes): void;
  /** The origin began to answer a read. */
  originRead(): void;
  originBytes(bytes: Bytes): void;
  /** The cached files take so much, as far as this process knows. */
  diskBytes(bytes: Bytes): void;
  evicted(): void;
  corruptSlice(): void;
  diskError(): void;
}
