import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, realpath, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { GatewayError } from '../errors.js';
import { FileChangedError, PutUnconfirmedError } from '../files/file.js';
import type { PutOptions, PutResult } from '../files/file.js';
import { Turns } from '../files/turns.js';
import { uploadBody } from '../files/upload-body.js';
import { HOUR, type Milliseconds } from '../units.js';
import { locateNew, realRoot, troubleOf, UPLOADS } from './directory-files-place.js';
import { checkVersion, publish } from './directory-files-publish.js';

/** What nobody has written to for so long was left behind by a process that died. */
const ABANDONED: Milliseconds = HOUR;

/** Uploads into one folder: written beside everything that can be read, and moved to their place when they are whole. */
export class DirectoryUploads {
  private readonly turns = new Turns();
  private readonly swept: Promise<void>;

  constructor(private readonly root: string) {
    this.swept = this.sweep().catch(() => undefined);
  }

  /** Waits until what dead processes left behind is removed. */
  close(): Promise<void> {
    return this.swept;
  }

  async put(path: string, body: Readable, options: PutOptions): Promise<PutResult> {
    const { size, signal } = options;
    const checked = uploadBody(body, size).on('error', () => undefined);
    if (signal) addAbortSignal(signal, checked);
    try {
      signal?.throwIfAborted();
      await checkVersion(path, await locateNew(this.root, path), options);
      return await this.written(checked, signal, (file, handle) => this.published(path, file, handle, options));
    } catch (error) {
      if (signal?.aborted && !(error instanceof PutUnconfirmedError)) throw signal.reason;
      if (checked.errored) throw checked.errored;
      throw error instanceof GatewayError || error instanceof FileChangedError ? error : troubleOf(error);
    } finally {
      checked.destroy();
      body.destroy();
    }
  }

  /** Runs `use` with a temporary file that has all bytes of `body`, on disk for good. Removes it unless it was moved. */
  private async written<T>(
    body: Readable,
    signal: AbortSignal | undefined,
    use: (file: string, handle: FileHandle) => Promise<T>,
  ): Promise<T> {
    const file = join(await this.folder(), randomUUID());
    const handle = await open(file, 'wx');
    try {
      await writeFile(handle, body);
      await handle.sync();
      signal?.throwIfAborted();
      return await use(file, handle);
    } finally {
      // The file may have been published: trouble with what is left over does not undo that. `sweep` removes it.
      await handle.close().catch(() => undefined);
      await rm(file, { force: true }).catch(() => undefined);
    }
  }

  private async folder(): Promise<string> {
    const folder = join(await realRoot(this.root), UPLOADS);
    await mkdir(folder, { recursive: true });
    if ((await realpath(folder)) !== folder) throw new Error(`${UPLOADS} must be a folder, not a link`);
    return folder;
  }

  /** Uploads of one process to one place follow each other, so that what was found there is still there when it is replaced. */
  private async published(path: string, file: string, handle: FileHandle, options: PutOptions): Promise<PutResult> {
    const place = await locateNew(this.root, path);
    const end = await this.turns.take(place);
    try {
      options.signal?.throwIfAborted();
      return await publish({ path, place, file, handle }, options);
    } finally {
      end();
    }
  }

  private async sweep(): Promise<void> {
    const folder = join(await realRoot(this.root), UPLOADS);
    for (const name of await readdir(folder)) {
      const { mtimeMs } = await stat(join(folder, name));
      if (Date.now() - mtimeMs > ABANDONED) await rm(join(folder, name), { force: true });
    }
  }
}
