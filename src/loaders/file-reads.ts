import { authorise, sightOf } from '../access/policy.js';
import type { Viewer } from '../access/viewer.js';
import type { FileMetadata } from '../files/file.js';
import { parseFilePath } from '../files/path.js';
import type { Order } from '../orders/order.js';
import type { Loaders } from './loaders.js';

/** What one viewer reads of files. */
export class FileReads {
  constructor(
    private readonly viewer: Viewer,
    private readonly loaders: Loaders,
  ) {}

  /**
   * `null`: there is no such file, or the viewer may not see it. Of a file that no order of a partner names nothing is read
   * for that partner, so that what this costs tells no more than the answer.
   * @throws GatewayError BAD_USER_INPUT for a path that is none
   */
  async one(path: string): Promise<FileMetadata | null> {
    authorise(this.viewer, 'read-files');
    const parsed = parseFilePath(path, '"path"');
    if (!(await this.maySee(parsed))) return null;
    return (await this.loaders.files.load(parsed)).value?.metadata ?? null;
  }

  /** Whether the viewer may know of a file at `path`, a path that was parsed. */
  async maySee(path: string): Promise<boolean> {
    const sight = sightOf(this.viewer, 'read-files');
    if (typeof sight !== 'object') return sight === 'all';
    return (await this.loaders.ownFiles.load({ ...sight, of: path })).value;
  }

  /** The file that an order names. Who sees the order may see its file. A path that no store could have is no file. */
  async ofOrder({ filePath }: Order): Promise<FileMetadata | null> {
    if (filePath === null || !isFilePath(filePath)) return null;
    return (await this.loaders.files.load(filePath)).value?.metadata ?? null;
  }
}

function isFilePath(path: string): boolean {
  try {
    return parseFilePath(path) === path;
  } catch {
    return false;
  }
}
