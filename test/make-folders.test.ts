import { stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../src/make-folders.js';
import { removeFolder, temporaryFolder } from './support/servers/temporary.js';

let root: string;
beforeEach(() => (root = temporaryFolder()));
afterEach(() => removeFolder(root));

test('makes what is missing, with its mode, also when many do so at once', async () => {
  const folder = join(root, 'a/b/c');
  await Promise.all(Array.from({ length: 20 }, () => makeFolders(folder, 0o700)));
  expect(((await stat(folder)).mode & 0o777).toString(8)).toBe('700');
  await makeFolders(folder);
});

test('does no harm where something else has the name', async () => {
  const [file, link] = [join(root, 'file'), join(root, 'link')];
  await writeFile(file, 'x');
  await symlink(join(root, 'nowhere'), link);
  await makeFolders(file);
  await makeFolders(link);
  await expect(makeFolders(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

// Node's own `recursive` never ends there.
test('a place where nothing can be made is an error', async () => {
  await expect(makeFolders('/proc/none')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(makeFolders('/proc/none/below')).rejects.toMatchObject({ code: 'ENOENT' });
});
