import type { Readable } from 'node:stream';
import { sourceUnavailable } from '../../errors.js';
import { FileChangedError, type FileSource, type OpenOptions } from '../file.js';
import type { Time } from '../../time.js';
import { DiskTrouble } from './disk.js';
import { SLICE, sliceLength, type Slices, type Version } from './layout.js';
import { Production } from './production.js';
import type { SliceFile } from './slice-file.js';
import type { FileMetrics } from './metrics.js';

export interface RunParts {
  readonly source: Pick<FileSource, 'open'>;
  readonly metrics: Pick<FileMetrics, 'originRead' | 'originBytes'>;
  readonly time: Time;
  /** `bytes` more are on the disk. */
  readonly wrote: (bytes: number) => void;
  /** What the disk did. */
  readonly diskFailed: (error: DiskTrouble) => void;
}

/** One read of the origin, whose bytes become slices as they arrive, at full speed: no client is waited for. */
export class Run extends Production {
  private readonly stopping = new AbortController();

  constructor(
    private readonly file: SliceFile,
    { first, last }: Slices,
    private readonly parts: RunParts,
  ) {
    super(first, last);
  }

  /** Resolves when the run has ended, whatever became of it. */
  async run(): Promise<void> {
    try {
      await this.copy();
      this.end();
    } catch (error) {
      if (error instanceof DiskTrouble) this.parts.diskFailed(error);
      if (error instanceof FileChangedError) await this.forget();
      this.end(this.stopped ? undefined : error);
    }
  }

  /** Nobody wants more of it. What has been written stays. */
  stop(): void {
    this.stopped = true;
    this.stopping.abort();
  }

  /** The file was replaced while it was read: what has come may be of either version. */
  private async forget(): Promise<void> {
    if (this.next > this.first) await this.file.forget({ first: this.first, last: this.next - 1 }).catch(() => undefined);
  }

  private async copy(): Promise<void> {
    const { file, last } = this;
    const body = await openVersion(this.parts, file.version, this, this.stopping.signal);
    this.begin();
    for await (const slices of slicesOf(body, file.version, this)) {
      this.parts.metrics.originBytes(slices.reduce((sum, { length }) => sum + length, 0));
      await file.look(this.parts.time.now());
      await file.write(this.next, slices);
      this.parts.wrote(slices.length * SLICE);
      this.advanceTo(this.next + slices.length);
      // Another run, here or elsewhere, was faster.
      if (this.next > last || file.has(this.next) || file.removed) break;
    }
    const isRest = this.next <= last && !file.has(this.next);
    if (isRest && !file.removed) throw tooShort(file.version, this.next);
  }
}

/**
 * The origin's bytes of some slices of a version.
 * @throws FileChangedError if the origin does not have that version any more
 */
async function openVersion(
  { source, metrics }: RunParts,
  version: Version,
  slices: Slices,
  signal: AbortSignal,
): Promise<Readable> {
  const start = slices.first * SLICE;
  const end = slices.last * SLICE + sliceLength(version.size, slices.last) - 1;
  const options: OpenOptions = { ifMatch: version.etag, signal };
  const isWhole = start === 0 && end === version.size - 1;
  const opened = await source.open(version.path, isWhole ? options : { ...options, range: { start, end } });
  if (!opened) throw new FileChangedError('the file is gone');
  metrics.originRead();
  const { etag, size } = opened.metadata;
  if (etag === version.etag && size === version.size) return opened.body;
  opened.body.destroy();
  throw new FileChangedError();
}

/** Cuts a body into whole slices, as many at a time as have arrived. */
async function* slicesOf(body: Readable, { size }: Version, { first, last }: Slices): AsyncGenerator<Buffer[]> {
  let slice = first;
  let pending: Buffer[] = [];
  let arrived = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    pending.push(chunk);
    arrived += chunk.length;
    if (slice > last) throw sourceUnavailable('file store', new Error('more bytes arrived than were asked for'));
    if (arrived < sliceLength(size, slice)) continue;
    const bytes = pending.length === 1 ? chunk : Buffer.concat(pending, arrived);
    const whole: Buffer[] = [];
    let cut = 0;
    for (; slice <= last && bytes.length - cut >= sliceLength(size, slice); slice += 1) {
      whole.push(bytes.subarray(cut, (cut += sliceLength(size, slice))));
    }
    pending = [bytes.subarray(cut)];
    arrived = bytes.length - cut;
    yield whole;
  }
}

function tooShort({ path }: Version, slice: number): Error {
  return sourceUnavailable('file store', new Error(`the body of ${path} ended early: slice ${slice} is not whole`));
}
