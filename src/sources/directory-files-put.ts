import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, realpath, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { GatewayError } from '../errors.js';
import { FileChangedError, PutUnconfirmedError } from '../files/file.js';
import type { FileMetadata, PutOptions } from '../files/file.js';
import { uploadBody } from '../files/upload-body.js';
import { HOUR, type Milliseconds } from '../units.js';
import { codeOf, isMissing, locateNew, placeError, realRoot, troubleOf, UPLOADS } from './directory-files-place.js';
import { toMetadata } from './directory-files-version.js';

/** What nobody has written to for so long was left behind by a process that died. */
const ABANDONED: Milliseconds = HOUR;

/** Uploads into one folder: written beside everything that can be read, and moved to their place when they are whole. */
export class DirectoryUploads {
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly swept: Promise<void>;

  constructor(private readonly root: string) {
    this.swept = this.sweep().catch(() => undefined);
  }

  /** Waits until what dead processes left behind is removed. */
  close(): Promise<void> {
    return this.swept;
  }

  async put(path: string, body: Readable, options: PutOptions): Promise<FileMetadata> {
    const { size, signal } = options;
    const checked = uploadBody(body, size).on('error', () => undefined);
    if (signal) addAbortSignal(signal, checked);
    try {
      signal?.throwIfAborted();
      const place = await locateNew(this.root, path);
      await checkVersion(path, place, options);
      return await this.written(checked, signal, (file, handle) =>
        this.inTurn(place, () => publish({ path, place, file, handle }, options)),
      );
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

  /** Uploads of one process to one place follow each other, so that a condition still holds when its file is moved. */
  private async inTurn<T>(place: string, task: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(place) ?? Promise.resolve()).then(task, task);
    this.turns.set(place, turn);
    try {
      return await turn;
    } finally {
      if (this.turns.get(place) === turn) this.turns.delete(place);
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

interface Written {
  readonly path: string;
  readonly place: string;
  readonly file: string;
  readonly handle: FileHandle;
}

async function publish({ path, place, file, handle }: Written, options: PutOptions): Promise<FileMetadata> {
  await checkVersion(path, place, options);
  await (options.ifNoneMatch ? link(file, place) : rename(file, place)).catch((error: unknown) => {
    if (codeOf(error) === 'EEXIST') throw new FileChangedError();
    throw codeOf(error) === 'ENOENT' ? troubleOf(error) : placeError(path, error);
  });
  try {
    // Before the version is told: to remove a name changes the inode's time.
    await rm(file, { force: true });
    await syncFolder(dirname(place));
    return toMetadata(path, await handle.stat({ bigint: true }));
  } catch (error) {
    throw new PutUnconfirmedError(error);
  }
}

async function checkVersion(path: string, place: string, { ifMatch, ifNoneMatch }: PutOptions): Promise<void> {
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  const current = await versionAt(path, place);
  if (ifNoneMatch ? current !== undefined : current !== ifMatch) throw new FileChangedError();
}

async function versionAt(path: string, place: string): Promise<string | undefined> {
  try {
    return toMetadata(path, await stat(place, { bigint: true })).etag;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** A name is kept over a loss of power only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
