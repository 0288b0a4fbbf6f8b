import { Readable } from 'node:stream';
import { sourceUnavailable } from '../../errors.js';
import { KIB, type Bytes } from '../../units.js';
import { ReadyBody } from '../ready-body.js';
import type { Claims } from './claims.js';
import { DiskTrouble } from './disk.js';
import { NoRoom } from './fills.js';
import type { Folder } from './folder.js';
import { identityOf, sliceCount, type Version } from './layout.js';
import type { FileMetrics } from './metrics.js';
import type { OpenFiles } from './open-files.js';
import type { SliceFile } from './slice-file.js';
import { CorruptVariant, lengthOfVariant, piecesOfVariant, writeVariant, type Room } from './variant-layout.js';

const HIGH_WATER_MARK: Bytes = 64 * KIB;

export interface VariantFilesParts {
  readonly folder: Pick<Folder, 'draft'>;
  readonly files: Pick<OpenFiles, 'acquire' | 'release'>;
  readonly space: Room;
  readonly claims: Pick<Claims, 'others' | 'take'>;
  readonly metrics: Pick<FileMetrics, 'served' | 'corruptSlice'>;
  readonly isWritable: () => boolean;
  readonly countUse: (file: SliceFile) => void;
  /** @throws DiskTrouble */
  readonly remove: (id: string) => Promise<void>;
  readonly diskFailed: (error: DiskTrouble) => void;
}

/**
 * Encoded forms of versions, as files of the tier: under the same bound of space, evicted by the same rule. `etag` of their
 * `Version` is one that no version has; `size` is that of the version itself.
 *
 * Invariant: a form is in the folder whole or not at all. It is written where nobody sees it and published when it is whole, so
 * what two encoders make of the same bytes is never mixed; and a reader believes no byte whose checksum it has not verified.
 */
export class VariantFiles {
  private readonly bodies = new Set<Readable>();

  constructor(private readonly parts: VariantFilesParts) {}

  /** How long the form is, all of it verified; one that is not right is removed. @returns `null` if there is none */
  async find(version: Version): Promise<Bytes | null> {
    const file = await this.acquire(version);
    if (!file) return null;
    try {
      const length = await lengthOfVariant(file);
      let verified = 0;
      for await (const piece of piecesOfVariant(file, length)) verified += piece.length;
      return verified;
    } catch (error) {
      await this.giveUp(file, error);
      return null;
    } finally {
      this.parts.files.release(file);
    }
  }

  /**
   * The bytes of the form; the first ones are verified when this resolves. What is wrong later breaks the stream, and the form
   * is removed.
   * @returns `null` if it is not there
   */
  async open(version: Version, length: Bytes): Promise<Readable | null> {
    const file = await this.acquire(version);
    if (!file) return null;
    const pieces = piecesOfVariant(file, length);
    try {
      const first = await pieces.next();
      if (first.done) throw new CorruptVariant();
      this.parts.countUse(file);
      return first.value.length === length ? this.readyBody(file, first.value) : this.bodyOf(file, first.value, pieces);
    } catch (error) {
      this.parts.files.release(file);
      await this.giveUp(file, error);
      return null;
    }
  }

  /**
   * Makes the form of what `encode` gives, in one process of the host at a time.
   * @returns its length; `null` if another process makes it or has made it
   * @throws NoRoom, DiskTrouble, and what the encoded bytes fail with
   */
  async make(version: Version, encode: () => Promise<AsyncIterable<Buffer>>): Promise<Bytes | null> {
    const { claims, isWritable, diskFailed } = this.parts;
    const id = identityOf(version);
    if (!isWritable()) throw new NoRoom();
    try {
      if ((await claims.others(id)).length > 0) return null;
      const giveBack = await claims.take(id, { first: 0, last: sliceCount(version.size) - 1 });
      if (!giveBack) return null;
      try {
        return await this.makeAlone(version, encode);
      } finally {
        await giveBack();
      }
    } catch (error) {
      if (error instanceof DiskTrouble) diskFailed(error);
      throw error;
    }
  }

  /** Ends all downloads. */
  close(): void {
    for (const body of this.bodies) body.destroy(sourceUnavailable('file cache'));
  }

  private async makeAlone(version: Version, encode: () => Promise<AsyncIterable<Buffer>>): Promise<Bytes | null> {
    const { files, folder, space } = this.parts;
    const there = await files.acquire(version, false);
    if (there) {
      files.release(there);
      return null;
    }
    const draft = await folder.draft(version);
    if (!draft) throw new NoRoom();
    try {
      const length = await writeVariant(draft.file, await encode(), space);
      return (await draft.publish()) ? length : null;
    } finally {
      await draft.drop();
      await draft.file.close();
    }
  }

  private async acquire(version: Version): Promise<SliceFile | null> {
    try {
      return await this.parts.files.acquire(version, false);
    } catch (error) {
      if (!(error instanceof DiskTrouble)) throw error;
      this.parts.diskFailed(error);
      return null;
    }
  }

  private readyBody(file: SliceFile, bytes: Buffer): ReadyBody {
    this.parts.files.release(file);
    this.parts.metrics.served('disk', bytes.length);
    return new ReadyBody(bytes);
  }

  private bodyOf(file: SliceFile, first: Buffer, rest: AsyncGenerator<Buffer>): Readable {
    const body = Readable.from(this.served(file, first, rest), { objectMode: false, highWaterMark: HIGH_WATER_MARK });
    this.bodies.add(body);
    body.once('close', () => {
      this.bodies.delete(body);
      this.parts.files.release(file);
    });
    return body;
  }

  private async *served(file: SliceFile, first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const { metrics } = this.parts;
    metrics.served('disk', first.length);
    yield first;
    try {
      for await (const piece of rest) {
        metrics.served('disk', piece.length);
        yield piece;
      }
    } catch (error) {
      await this.giveUp(file, error);
      throw sourceUnavailable('file cache', error);
    }
  }

  /** A form that is not right is removed: from now on there is none. @throws what is not of the disk */
  private async giveUp(file: SliceFile, error: unknown): Promise<void> {
    const { metrics, remove, diskFailed } = this.parts;
    if (error instanceof DiskTrouble) return diskFailed(error);
    if (!(error instanceof CorruptVariant)) throw error;
    metrics.corruptSlice();
    await remove(file.id).catch(() => undefined);
  }
}
