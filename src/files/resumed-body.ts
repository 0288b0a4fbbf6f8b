import { Readable } from 'node:stream';
import { sourceUnavailable } from '../errors.js';
import { KIB, type Bytes } from '../units.js';
import { FileChangedError } from './file.js';
import { Ordeal, type Patience } from './patience.js';

export interface ResumedBodyOptions {
  readonly path: string;
  /** What has been opened already; its next byte is `start`. */
  readonly first: Readable;
  readonly start: Bytes;
  /** Behind the last byte. */
  readonly end: Bytes;
  /** The rest of the same version. @throws FileChangedError if that is no longer there */
  readonly reopen: (start: Bytes, ordeal: Ordeal, signal: AbortSignal) => Promise<Readable>;
  readonly patience: Patience;
}

/**
 * The bytes of one version of a file, over as many connections as it takes. What breaks, ends early or stalls is opened
 * again at the byte that was reached. Its last chunk is held back until the store has ended the body, so that a body which
 * is too long, or fails at its very end, never looks whole.
 *
 * Time runs only while a byte is wanted: however slow the reader is, the store is not blamed for it, and what breaks
 * meanwhile is opened again only when the reader goes on.
 *
 * The stream's error is FileChangedError, or a GatewayError SOURCE_UNAVAILABLE.
 */
export class ResumedBody extends Readable {
  private readonly closing = new AbortController();
  private position: Bytes;
  private origin: Readable | undefined;
  private wanted = false;
  private held: Buffer | undefined;
  /** Since the last byte, if one is wanted. */
  private ordeal: Ordeal | undefined;
  private trouble: unknown;
  private cancelStall = (): void => undefined;

  constructor(private readonly options: ResumedBodyOptions) {
    super({ highWaterMark: 64 * KIB });
    this.position = options.start;
    this.attach(options.first);
  }

  override _read(): void {
    if (this.wanted) return;
    this.wanted = true;
    if (this.origin) this.pull();
    else void this.resumeOrigin();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.closing.abort();
    this.detach();
    done(error);
  }

  private attach(origin: Readable): void {
    this.origin = origin.on('readable', this.pull).on('end', this.ended).on('error', this.broken).on('close', this.closedEarly);
    // Its events are over.
    if (origin.destroyed) this.broken(origin.errored ?? new Error('it was closed'));
  }

  private detach(): void {
    this.cancelStall();
    this.origin?.off('readable', this.pull).off('end', this.ended).off('error', this.broken).off('close', this.closedEarly);
    this.origin?.on('error', () => undefined).destroy();
    this.origin = undefined;
  }

  private readonly pull = (): void => {
    while (this.wanted && this.origin) {
      const chunk = this.origin.read() as Buffer | null;
      if (chunk === null) return this.watch();
      this.accept(chunk);
    }
  };

  private accept(chunk: Buffer): void {
    this.cancelStall();
    this.ordeal = undefined;
    this.position += chunk.length;
    if (this.position > this.options.end) this.fail(new Error(`more than the expected ${this.length} bytes arrived`));
    else if (this.position === this.options.end) this.held = chunk;
    else {
      this.wanted = false;
      this.push(chunk);
    }
  }

  private watch(): void {
    const { patience, path } = this.options;
    this.ordeal ??= new Ordeal(path, patience);
    const stall = Math.min(patience.stall, this.ordeal.left);
    this.cancelStall();
    this.cancelStall = patience.time.after(stall, () => this.broken(new Error(`no byte came for ${stall} ms`)));
  }

  private readonly ended = (): void => {
    if (this.position !== this.options.end) return this.broken(new Error(`it ended at byte ${this.position}`));
    this.detach();
    if (this.held) this.push(this.held);
    this.push(null);
  };

  private readonly closedEarly = (): void => this.broken(new Error('it was closed'));

  private readonly broken = (error: unknown): void => {
    this.detach();
    if (error instanceof FileChangedError) return void this.destroy(error);
    if (this.held) return this.fail(error);
    this.trouble = error;
    if (this.wanted) void this.resumeOrigin();
  };

  private async resumeOrigin(): Promise<void> {
    const { path, patience, reopen } = this.options;
    const ordeal = (this.ordeal ??= new Ordeal(path, patience));
    try {
      await ordeal.pause(sourceUnavailable('file store', this.trouble), this.closing.signal);
      const origin = await reopen(this.position, ordeal, this.closing.signal);
      if (this.destroyed) return void origin.destroy();
      this.attach(origin);
      this.pull();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  private fail(cause: unknown): void {
    this.destroy(sourceUnavailable('file store', cause));
  }

  private get length(): Bytes {
    return this.options.end - this.options.start;
  }
}
