import { pipeline, Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type { Time } from '../time.js';
import { MIB, SECOND, type Bytes, type EpochMilliseconds, type Milliseconds } from '../units.js';
import type { VariantFiles } from './disk/variant-files.js';
import { ENCODERS, type Coding } from './encoders.js';
import { variantTag } from './encoding.js';
import { exactLength } from './exact-length.js';
import type { FileMetadata } from './file.js';

/** Of what is kept; an encoded form is not worth its place, nor the time of those who decode it, beyond this share. */
const WORTH = 0.9;
/** So much of a file tells whether the rest is worth encoding. */
const SAMPLE: Bytes = MIB;
/** In memory, of what is known of one version. */
const NOTE: Bytes = 300;
const AFTER_FAILURE: Milliseconds = 30 * SECOND;
const WHILE_ELSEWHERE: Milliseconds = 2 * SECOND;

/** An encoded form of one version of a file. */
export interface Variant {
  readonly coding: Coding;
  readonly etag: string;
  readonly size: Bytes;
}

export type VariantMetrics = Record<'variantKept' | 'variantUseless' | 'variantFailed', () => void> & {
  /** A form was sent which is `bytes` shorter than the file. */
  variantSaved(bytes: Bytes): void;
};

export interface VariantsParts {
  /** The forms in memory, and what is known of those on disk, may take so much. */
  readonly memoryMax: Bytes;
  /** `undefined`: there is no disk. */
  readonly disk: Pick<VariantFiles, 'find' | 'open' | 'make'> | undefined;
  /** The bytes of exactly that version, through the cache. */
  readonly open: (file: FileMetadata, options: { readonly signal: AbortSignal }) => Promise<{ readonly body: Readable }>;
  readonly metrics: VariantMetrics;
  readonly time: Time;
}

/** What is known of the form of a version. `until`: it may be looked for again. */
type Known =
  | { readonly kind: 'memory'; readonly bytes: Buffer; readonly size: Bytes }
  | { readonly kind: 'disk'; readonly size: Bytes }
  | { readonly kind: 'useless' }
  | { readonly kind: 'none'; readonly until: EpochMilliseconds };

/** The form saves too little. */
class Useless extends Error {
  override readonly name = 'Useless';
}

/**
 * Encoded forms of files, made once for a version, behind the requests: nobody waits for an encoder. At most one small and one
 * large file are encoded at a time; what is wanted meanwhile is wanted again by the next who asks. All is kept under path, ETag
 * and coding, so what belongs to a replaced version is never found again.
 */
export class Variants {
  private readonly known: LRUCache<string, Known>;
  private readonly work = new Map<'memory' | 'disk', Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(private readonly parts: VariantsParts) {
    this.known = new LRUCache({
      maxSize: parts.memoryMax,
      sizeCalculation: (known) => NOTE + (known.kind === 'memory' ? known.size : 0),
    });
  }

  /** The first of these codings that the version is there in. */
  ready(file: FileMetadata, codings: readonly Coding[]): Variant | undefined {
    for (const coding of codings) {
      const known = this.known.get(keyOf(file, coding));
      if (known && 'size' in known) return { coding, etag: variantTag(file.etag, coding), size: known.size };
    }
    return undefined;
  }

  /** The bytes of what `ready` gave; `undefined`: it is not there any more. Whoever gets a stream consumes or destroys it. */
  async open(file: FileMetadata, { coding, size }: Variant): Promise<Buffer | Readable | undefined> {
    const key = keyOf(file, coding);
    const known = this.known.get(key);
    if (known?.kind === 'memory') return this.saved(known.bytes, file.size - size);
    const body = await this.parts.disk?.open(formOf(file, coding), size);
    if (!body) {
      this.forget(key, known);
      return undefined;
    }
    body.once('error', () => this.forget(key, known));
    return this.saved(body, file.size - size);
  }

  /** A file was read from the cache by somebody who would have taken it encoded. @param bytes of a small one, all of them */
  want(file: FileMetadata, coding: Coding, bytes?: Buffer): void {
    const lane = bytes ? 'memory' : 'disk';
    if (this.work.has(lane) || this.stopping.signal.aborted || !(bytes ?? this.parts.disk)) return;
    const key = keyOf(file, coding);
    const known = this.known.get(key);
    if (known && (known.kind !== 'none' || known.until > this.parts.time.now())) return;
    const work = (bytes ? this.inMemory(file, coding, bytes) : this.onDisk(file, coding)).then(
      (found) => void this.known.set(key, found),
      (error: unknown) => void this.known.set(key, this.failed(error)),
    );
    this.work.set(
      lane,
      work.finally(() => this.work.delete(lane)),
    );
  }

  /** Resolves when nothing is being made. */
  async settled(): Promise<void> {
    await Promise.all(this.work.values());
  }

  /** Ends what is being made. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.settled();
  }

  private async inMemory(file: FileMetadata, coding: Coding, bytes: Buffer): Promise<Known> {
    const pieces: Buffer[] = [];
    for await (const piece of encoded(Readable.from([bytes], { objectMode: false }), coding, file.size)) pieces.push(piece);
    this.parts.metrics.variantKept();
    const form = Buffer.concat(pieces);
    return { kind: 'memory', bytes: form, size: form.length };
  }

  private async onDisk(file: FileMetadata, coding: Coding): Promise<Known> {
    const { disk, open, metrics } = this.parts;
    const form = formOf(file, coding);
    const found = await disk?.find(form);
    if (typeof found === 'number') return { kind: 'disk', size: found };
    const { signal } = this.stopping;
    const made = await disk?.make(form, async () => encoded((await open(file, { signal })).body, coding, file.size));
    if (typeof made !== 'number') return this.noneFor(WHILE_ELSEWHERE);
    metrics.variantKept();
    return { kind: 'disk', size: made };
  }

  private failed(error: unknown): Known {
    if (error instanceof Useless) {
      this.parts.metrics.variantUseless();
      return { kind: 'useless' };
    }
    if (!this.stopping.signal.aborted) this.parts.metrics.variantFailed();
    return this.noneFor(AFTER_FAILURE);
  }

  private noneFor(wait: Milliseconds): Known {
    return { kind: 'none', until: this.parts.time.now() + wait };
  }

  private forget(key: string, known: Known | undefined): void {
    if (this.known.peek(key) === known) this.known.delete(key);
  }

  private saved<T>(form: T, bytes: Bytes): T {
    this.parts.metrics.variantSaved(bytes);
    return form;
  }
}

/** @throws Useless as soon as it is clear; what `body` fails with, and if it is not `size` bytes long */
async function* encoded(body: Readable, coding: Coding, size: Bytes): AsyncGenerator<Buffer> {
  const encoder = ENCODERS.get(coding)?.();
  if (!encoder) throw new Useless();
  pipeline(body, exactLength(size), encoder, () => undefined);
  let length = 0;
  for await (const piece of encoder as AsyncIterable<Buffer>) {
    length += piece.length;
    const soFar = encoder.bytesWritten;
    if (length > size * WORTH || (soFar >= SAMPLE && length > soFar * WORTH)) throw new Useless();
    yield piece;
  }
}

function keyOf({ path, etag }: FileMetadata, coding: Coding): string {
  return `${coding} ${etag} ${path}`;
}

/** Its tag is none that a store gives: it has a space. */
function formOf({ path, etag, size }: FileMetadata, coding: Coding): { path: string; etag: string; size: Bytes } {
  return { path, etag: `${coding} ${etag}`, size };
}
