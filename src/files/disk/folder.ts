import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from '../../make-folders.js';
import { codeOf, ifThere, onDisk, type Disk } from './disk.js';
import { dataOffset, encodeHeader, HEADER, identityOf, isHeaderOf, type Version } from './layout.js';
import { SliceFile } from './slice-file.js';

export const TEMPORARY_FOLDER = 'tmp';
/** Another process may unlink what was just published, or publish what was just missing. */
const ATTEMPTS = 4;

export interface Draft {
  readonly file: SliceFile;
  /** False: another process has published the version first. @throws DiskTrouble */
  publish(): Promise<boolean>;
  /** Gives up the temporary name, published or not. The file stays open. */
  drop(): Promise<void>;
}

/** The files of the tier: `<folder>/<first two digits>/<identity>`. A file is there with a whole header, or not at all. */
export class Folder {
  constructor(
    private readonly disk: Disk,
    private readonly root: string,
  ) {}

  /**
   * Opens the file of a version, and makes it if `create` says so and it is not there.
   * @returns `null` if it is not there, or cannot be made because path and ETag are too long
   * @throws DiskTrouble
   */
  open(version: Version, create: boolean): Promise<SliceFile | null> {
    const id = identityOf(version);
    return onDisk(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const handle = await ifThere(this.disk.open(this.at(id), 'r+'));
        const file = handle && (await this.verified(id, version, handle));
        if (file) return file;
        if (!create) return null;
        const made = await this.make(version);
        if (made !== undefined) return made;
      }
      throw new Error('the file of a version comes and goes');
    });
  }

  /** Harmless if it is not there. @throws DiskTrouble */
  remove(id: string): Promise<void> {
    return onDisk(() => ifThere(this.disk.unlink(this.at(id))));
  }

  /** @returns `undefined`, with the file removed, if it is not that of the version */
  private async verified(id: string, version: Version, handle: FileHandle): Promise<SliceFile | undefined> {
    try {
      const { mtimeMs } = await handle.stat();
      const header = Buffer.alloc(HEADER);
      await handle.read(header, 0, HEADER, 0);
      if (isHeaderOf(version, header)) {
        const file = new SliceFile(id, version, handle, mtimeMs);
        await file.refresh({ first: 0, last: file.sliceCount - 1 });
        return file;
      }
      await this.remove(id);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  /**
   * A file that nobody sees before it is published.
   * @returns `null` if the version fits into no header
   * @throws DiskTrouble
   */
  draft(version: Version): Promise<Draft | null> {
    const id = identityOf(version);
    const header = encodeHeader(version);
    if (!header) return Promise.resolve(null);
    const temporary = path.join(this.root, TEMPORARY_FOLDER, randomUUID());
    return onDisk(async () => {
      const handle = await this.openNew(temporary);
      const drop = (): Promise<void> => this.disk.unlink(temporary).catch(() => undefined);
      try {
        await handle.writev([header], 0);
        await handle.truncate(dataOffset(version.size) + version.size);
      } catch (error) {
        await Promise.allSettled([handle.close(), drop()]);
        throw error;
      }
      const file = new SliceFile(id, version, handle, -Infinity);
      return { file, publish: () => onDisk(() => this.publish(temporary, id)), drop };
    });
  }

  /** @returns `undefined` if another process has published the file first, `null` if the version fits into no header */
  private async make(version: Version): Promise<SliceFile | null | undefined> {
    const draft = await this.draft(version);
    if (!draft) return null;
    let published = false;
    try {
      published = await draft.publish();
      return published ? draft.file : undefined;
    } finally {
      if (!published) await draft.file.close();
      await draft.drop();
    }
  }

  private async openNew(temporary: string): Promise<FileHandle> {
    return this.inFolder(path.dirname(temporary), () => this.disk.open(temporary, 'wx+', 0o600));
  }

  private async publish(temporary: string, id: string): Promise<boolean> {
    try {
      await this.inFolder(path.dirname(this.at(id)), () => this.disk.link(temporary, this.at(id)));
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /** Makes the folder when it turns out to be missing. */
  private async inFolder<T>(folder: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await makeFolders(folder, 0o700, this.disk);
      return act();
    }
  }

  private at(id: string): string {
    return path.join(this.root, id.slice(0, 2), id);
  }
}
