import { rmdirSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { FileChangedError, type FileSource, type PutOptions } from '../src/files/file.js';
import { publish } from '../src/sources/directory-files-publish.js';
import { createDirectoryFiles } from '../src/sources/directory-files.js';
import { pieces } from './conformance/file-put.js';
import { until } from './support/race.js';

const UPLOADS = '.gateway-uploads';

let folder: string;
let root: string;
let source: FileSource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mes-gateway-put-'));
  root = join(folder, 'root');
  await mkdir(root);
  source = createDirectoryFiles({ root });
});

afterEach(async () => {
  await source.close();
  await rm(folder, { recursive: true });
});

function upload(path: string, text: string, given: Partial<PutOptions> = {}, into = source) {
  return into.put(path, pieces(Buffer.from(text)), { size: text.length, contentType: 'model/stl', ...given });
}

const badPath = (path: string): unknown =>
  expect.objectContaining({ code: 'BAD_USER_INPUT', message: expect.stringContaining(`"${path}"`) });

test('nothing is left of uploads, made or not', async () => {
  await upload('a/ring.stl', 'ring');
  await upload('b/ring.stl', 'ring', { ifNoneMatch: '*' });
  await expect(upload('a/ring.stl', 'ring', { size: 3 })).rejects.toThrow();
  await expect(upload('a/ring.stl', 'ring', { ifNoneMatch: '*' })).rejects.toThrow(FileChangedError);
  const broken = pieces(Buffer.alloc(100_000), () => Promise.reject(new Error('the client hung up')));
  await expect(source.put('a/ring.stl', broken, { size: 200_000, contentType: 'model/stl' })).rejects.toThrow('hung up');
  expect(await readdir(join(root, UPLOADS))).toEqual([]);
  expect((await stat(join(root, 'b/ring.stl'))).nlink).toBe(1);
});

test('a condition is judged again when the body has come', async () => {
  const { metadata: first } = await upload('ring.stl', 'first');
  let arrived = (): void => undefined;
  const rest = new Promise<void>((resolve) => (arrived = resolve));
  const slow = ['ring.stl', 'new.stl'].map((path) =>
    source.put(
      path,
      pieces(Buffer.from('slow'), () => rest),
      {
        size: 4,
        contentType: 'model/stl',
        ...(path === 'new.stl' ? { ifNoneMatch: '*' } : { ifMatch: first.etag }),
      },
    ),
  );
  const refused = Promise.all(slow.map((put) => expect(put).rejects.toBeInstanceOf(FileChangedError)));
  await upload('ring.stl', 'other');
  await upload('new.stl', 'other');
  arrived();
  await refused;
  expect(await readFile(join(root, 'ring.stl'), 'utf8')).toBe('other');
  expect(await readFile(join(root, 'new.stl'), 'utf8')).toBe('other');
});

test('no folder is made before the file is whole, and none is left of an upload that is not made', async () => {
  let seen: string[] = [];
  const look = async (): Promise<void> => {
    seen = (await readdir(root)).filter((name) => name !== UPLOADS);
    throw new Error('the client hung up');
  };
  const broken = pieces(Buffer.alloc(100_000), look);
  await expect(source.put('new/deep/ring.stl', broken, { size: 200_000, contentType: 'model/stl' })).rejects.toThrow('hung up');
  expect(seen).toEqual([]);
  await expect(upload('new/deep/ring.stl', 'ring', { ifMatch: '"x"' })).rejects.toThrow(FileChangedError);
  expect(await readdir(root)).toEqual([UPLOADS]);
  await upload('new/deep/ring.stl', 'ring');
  expect(await readdir(join(root, 'new/deep'))).toEqual(['ring.stl']);
});

/** Makes the folders for a file, and fails then. */
async function failToPublish(path: string): Promise<unknown> {
  const place = join(await realpath(root), path);
  const handle = await open(join(root, 'other.txt'), 'a');
  const options = { size: 0, contentType: 'text/plain' };
  return publish({ path, place, file: join(root, 'never was'), handle }, options).finally(() => handle.close());
}

test('folders that were made for an upload that fails in the end are removed, and no others', async () => {
  await upload('old/ring.stl', 'ring');
  for (const path of ['new/deep/nut.stl', 'old/deep/nut.stl'])
    await expect(failToPublish(path)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  expect((await readdir(root)).sort()).toEqual([UPLOADS, 'old', 'other.txt']);
  expect(await readdir(join(root, 'old'))).toEqual(['ring.stl']);
});

test('a folder that goes while it is needed, as it was made for an upload that has failed, is made again', async () => {
  let removed = 0;
  const remove = (): void => {
    try {
      rmdirSync(join(root, 'new/deep'));
      removed += 1;
    } catch {
      // It is not there yet, or not empty any more.
    }
    if (removed === 0) setImmediate(remove);
  };
  setImmediate(remove);
  await upload('new/deep/ring.stl', 'ring');
  expect(removed).toBe(1);
  expect(await readdir(join(root, 'new/deep'))).toEqual(['ring.stl']);
});

test('what is being uploaded cannot be read, nor written over', async () => {
  let looked: unknown[] = [];
  const body = pieces(Buffer.from('ring'), async () => {
    const names = (): Promise<string[]> => readdir(join(root, UPLOADS)).catch(() => []);
    await until('the temporary file', async () => (await names()).length === 1);
    const [name] = await names();
    const path = `${UPLOADS}/${name}`;
    await symlink(UPLOADS, join(root, 'alias'));
    looked = await Promise.all([source.head(path), source.open(path), source.head(`alias/${name}`), source.head('ring.stl')]);
    await expect(upload(path, 'mine')).rejects.toEqual(badPath(path));
    await expect(upload(`alias/${name}`, 'mine')).rejects.toEqual(badPath(`alias/${name}`));
    await expect(upload(UPLOADS, 'mine')).rejects.toEqual(badPath(UPLOADS));
  });
  await source.put('ring.stl', body, { size: 4, contentType: 'model/stl' });
  expect(looked).toEqual([null, null, null, null]);
  expect(await source.head('ring.stl')).toMatchObject({ size: 4 });
});

test('what a dead process left behind is removed at start, and nothing that is young', async () => {
  await mkdir(join(root, UPLOADS));
  const [old, young] = [join(root, UPLOADS, 'old'), join(root, UPLOADS, 'young')];
  await writeFile(old, 'x');
  await writeFile(young, 'x');
  await utimes(old, new Date(), new Date(Date.now() - 2 * 3_600_000));
  await createDirectoryFiles({ root }).close();
  expect(await readdir(join(root, UPLOADS))).toEqual(['young']);
});

test('no link leads an upload out of the folder', async () => {
  const outside = join(folder, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'secret.stl'), 'secret');
  await symlink(outside, join(root, 'out'));
  await symlink('..', join(root, 'up'));
  await symlink(join(outside, 'nothing'), join(root, 'dangling'));
  await symlink(join(outside, 'secret.stl'), join(root, 'file.stl'));
  const paths = [
    'out/new.stl',
    'out/deep/er/new.stl',
    'up/new.stl',
    'up/outside/secret.stl',
    'file.stl',
    'dangling',
    'dangling/new.stl',
  ];
  for (const path of paths) await expect(upload(path, 'mine')).rejects.toEqual(badPath(path));
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['outside', 'root']));
  expect((await readdir(folder)).length).toBe(2);
  expect(await readdir(outside)).toEqual(['secret.stl']);
  expect(await readFile(join(outside, 'secret.stl'), 'utf8')).toBe('secret');
});

test('a folder of uploads that leads elsewhere is not used', async () => {
  await mkdir(join(folder, 'outside'));
  await symlink(join(folder, 'outside'), join(root, UPLOADS));
  await expect(upload('ring.stl', 'ring')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  expect(await readdir(join(folder, 'outside'))).toEqual([]);
});

test('a link to a folder inside is followed, and one to a file is replaced', async () => {
  await upload('models/ring.stl', 'ring');
  await symlink('models', join(root, 'latest'));
  await symlink('models/ring.stl', join(root, 'link.stl'));
  await upload('latest/nut.stl', 'nut');
  await upload('link.stl', 'bolt');
  expect(await readFile(join(root, 'models/nut.stl'), 'utf8')).toBe('nut');
  expect(await readFile(join(root, 'models/ring.stl'), 'utf8')).toBe('ring');
  expect(await readFile(join(root, 'link.stl'), 'utf8')).toBe('bolt');
});

test('a path that the folder cannot have is said to be one, before the body is taken', async () => {
  await upload('models/ring.stl', 'ring');
  for (const path of [
    'models',
    'models/ring.stl/below',
    'models/ring.stl/a/b',
    'я'.repeat(200),
    `new/${'я'.repeat(200)}/ring.stl`,
  ]) {
    const body = new Readable({ read: () => undefined });
    const put = source.put(path, body, { size: 4, contentType: 'model/stl' });
    await expect(put).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(body.destroyed).toBe(true);
  }
  expect((await readdir(root)).sort()).toEqual([UPLOADS, 'models']);
});

test('a missing folder is a failing store', async () => {
  const nowhere = createDirectoryFiles({ root: join(folder, 'nowhere') });
  await expect(upload('ring.stl', 'ring', {}, nowhere)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  expect(await readdir(folder)).toEqual(['root']);
});
