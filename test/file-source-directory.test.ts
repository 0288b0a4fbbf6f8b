import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { FileChangedError, type FileSource } from '../src/files/file.js';
import { createDirectoryFiles } from '../src/sources/directory-files.js';
import { fileSourceConformance, type FileSourceFixture } from './conformance/file-source.js';
import { openDescriptors } from './support/descriptors.js';

let folder: string;
let root: string;
let source: FileSource;

/** By rename, as whoever replaces a file that is being read should. */
async function put(path: string, bytes: Buffer): Promise<void> {
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(`${target}.new`, bytes);
  await rename(`${target}.new`, target);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mes-gateway-files-'));
  root = join(folder, 'root');
  await mkdir(root);
  source = createDirectoryFiles({ root });
});

afterEach(async () => {
  await source.close();
  await rm(folder, { recursive: true });
  expect(openDescriptors(folder)).toEqual([]);
});

/** Two changes within one tick have the same time; nothing but waiting advances that clock. */
async function nextTickOfFileSystem(): Promise<void> {
  const probe = join(folder, 'probe');
  const touched = async (): Promise<bigint> =>
    writeFile(probe, 'x').then(async () => (await stat(probe, { bigint: true })).mtimeNs);
  const start = await touched();
  while ((await touched()) === start);
}

async function opened(path: string): Promise<Readable> {
  const file = await source.open(path);
  if (!file) throw new Error('expected a file');
  return file.body;
}

const fixture = (): FileSourceFixture => ({ source, put, remove: (path) => rm(join(root, path)) });
fileSourceConformance('a folder', fixture);

test('a link that leads out of the folder does not exist', async () => {
  await writeFile(join(folder, 'secret.stl'), 'secret');
  await mkdir(join(folder, 'root-twin'));
  await writeFile(join(folder, 'root-twin', 'secret.stl'), 'secret');
  await symlink('../secret.stl', join(root, 'file.stl'));
  await symlink('..', join(root, 'up'));
  await symlink('../root-twin', join(root, 'twin'));
  await symlink('loop.stl', join(root, 'loop.stl'));
  for (const path of ['file.stl', 'up/secret.stl', 'twin/secret.stl', 'up/root/../secret.stl', 'loop.stl']) {
    expect(await source.head(path)).toBeNull();
    expect(await source.open(path)).toBeNull();
  }
});

test('links that stay inside are followed, and the folder itself may be one', async () => {
  await put('models/ring.stl', Buffer.from('ring'));
  await symlink('models', join(root, 'latest'));
  await symlink(root, join(folder, 'alias'));
  expect(await createDirectoryFiles({ root: join(folder, 'alias') }).head('latest/ring.stl')).toMatchObject({ size: 4 });
});

test('only regular files exist', async () => {
  await mkdir(join(root, 'models'));
  execFileSync('mkfifo', [join(root, 'pipe.stl')]);
  for (const path of ['models', 'pipe.stl']) {
    expect(await source.head(path)).toBeNull();
    expect(await source.open(path)).toBeNull();
  }
});

test('a rewrite in place with the old size and time is a new version', async () => {
  await put('ring.stl', Buffer.from('one'));
  const before = await source.head('ring.stl');
  const { atime, mtime } = await stat(join(root, 'ring.stl'));
  await nextTickOfFileSystem();
  await writeFile(join(root, 'ring.stl'), 'two');
  await utimes(join(root, 'ring.stl'), atime, mtime);
  expect((await source.head('ring.stl'))?.etag).not.toBe(before?.etag);
});

test('a file that is replaced or removed while it is read stays the version that was opened', async () => {
  const old = Buffer.alloc(2 * 1024 * 1024, 'a');
  await put('ring.stl', old);
  const bodies = [await opened('ring.stl'), await opened('ring.stl')] as const;
  await put('ring.stl', Buffer.alloc(2 * 1024 * 1024, 'b'));
  expect((await buffer(bodies[0])).equals(old)).toBe(true);
  await rm(join(root, 'ring.stl'));
  expect((await buffer(bodies[1])).equals(old)).toBe(true);
});

test('a body that nobody read gives its descriptor back', async () => {
  await put('ring.stl', Buffer.from('ring'));
  const body = await opened('ring.stl');
  expect(openDescriptors(folder)).toHaveLength(1);
  body.destroy();
  await once(body, 'close');
  expect(openDescriptors(folder)).toEqual([]);
});

test('a file that is rewritten in place while it is read breaks the stream', async () => {
  await put('ring.stl', Buffer.alloc(2 * 1024 * 1024, 'a'));
  const body = await opened('ring.stl');
  await nextTickOfFileSystem();
  const writer = await open(join(root, 'ring.stl'), 'r+');
  await writer.write('b', 1_900_000);
  await writer.close();
  await expect(buffer(body)).rejects.toThrow(FileChangedError);
});

test('no byte of a rewrite in place is handed on', async () => {
  await put('ring.stl', Buffer.alloc(2 * 1024 * 1024, 'a'));
  const body = await opened('ring.stl');
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let handedOn = String((await chunks.next()).value);
  await nextTickOfFileSystem();
  const writer = await open(join(root, 'ring.stl'), 'r+');
  await writer.write(Buffer.alloc(2 * 1024 * 1024, 'b'), 0);
  await writer.close();
  const rest = async (): Promise<void> => {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) handedOn += String(next.value);
  };
  await expect(rest()).rejects.toThrow(FileChangedError);
  expect(handedOn).not.toContain('b');
});

test('a file that is cut short while it is read breaks the stream', async () => {
  await put('ring.stl', Buffer.alloc(2 * 1024 * 1024, 'a'));
  const body = await opened('ring.stl');
  await writeFile(join(root, 'ring.stl'), 'short');
  await expect(buffer(body)).rejects.toThrow(FileChangedError);
});

test('a missing folder is a failing store, not a missing file', async () => {
  const nowhere = createDirectoryFiles({ root: join(folder, 'nowhere') });
  await expect(nowhere.head('ring.stl')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  await expect(nowhere.open('ring.stl')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
});
