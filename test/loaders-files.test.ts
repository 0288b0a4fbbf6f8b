import type { Viewer } from '../src/access/viewer.js';
import { OperationTrace } from '../src/cache/operation-trace.js';
import type { CachedFile } from '../src/loaders/entities.js';
import { FileReads } from '../src/loaders/file-reads.js';
import { createLoaders } from '../src/loaders/loaders.js';
import type { Claim } from '../src/loaders/ownership.js';
import type { OrderList } from '../src/orders/lists.js';
import type { Order } from '../src/orders/order.js';
import { cacheOf, orderOf } from './support/orders.js';

const metadataOf = (path: string) => ({ path, size: 684, contentType: 'model/stl', etag: '"5d41402a"', lastModified: 0 });

const OWNERS: Record<string, string[]> = {
  'mine.stl': ['partner-a'],
  'shared.stl': ['partner-b', 'partner-a'],
  'theirs.stl': ['partner-b'],
  'nobodys.stl': [],
  'gone.stl': ['partner-a'],
};

const VIEWERS: Record<string, Viewer> = {
  operator: { role: 'operator', subject: 'ada' },
  partner: { role: 'partner', subject: 'bob', partnerId: 'partner-a' },
  service: { role: 'service', subject: 'store' },
  anonymous: { role: 'anonymous' },
};

function readsOf(role: string) {
  const files = cacheOf((path: string): CachedFile | null =>
    path in OWNERS && path !== 'gone.stl' ? { metadata: metadataOf(path) } : null,
  );
  const owners = cacheOf(({ partnerId, of }: Claim) => OWNERS[of]?.includes(partnerId) ?? false);
  const lists = cacheOf((_list: OrderList): readonly Order[] => []);
  const orders = cacheOf((_id: string): Order | null => null);
  const caches = {
    lists: lists.cache,
    orders: orders.cache,
    files: files.cache,
    ownOrders: cacheOf((_claim: Claim) => false).cache,
    ownFiles: owners.cache,
  };
  const reads = new FileReads(VIEWERS[role]!, createLoaders(caches, new OperationTrace()));
  return { reads, files: files.asked, asked: owners.asked };
}

describe('a file by its path', () => {
  test.each([
    ['partner', 'mine.stl', true],
    ['partner', 'shared.stl', true],
    ['partner', 'theirs.stl', false],
    ['partner', 'nobodys.stl', false],
    ['partner', 'gone.stl', false],
    ['partner', 'never.stl', false],
    ['operator', 'theirs.stl', true],
    ['operator', 'nobodys.stl', true],
    ['operator', 'gone.stl', false],
    ['service', 'nobodys.stl', true],
  ])('%s, %s: %s', async (role, path, seen) => {
    expect(await readsOf(role).reads.one(path)).toEqual(seen ? metadataOf(path) : null);
  });

  test.each(['theirs.stl', 'nobodys.stl', 'never.stl'])(
    'that is not an own one costs a partner the same reads: %s',
    async (path) => {
      const { reads, files, asked } = readsOf('partner');
      await reads.one(path);
      expect([files, asked]).toEqual([[], [{ partnerId: 'partner-a', of: path }]]);
    },
  );

  test('may be known of by a partner whose order names it, even when the store has it no more', async () => {
    const { reads } = readsOf('partner');
    expect(await reads.maySee('gone.stl')).toBe(true);
    expect(await reads.maySee('theirs.stl')).toBe(false);
  });

  test('is refused without a token, before anything is loaded', async () => {
    const { reads, files, asked } = readsOf('anonymous');
    await expect(reads.one('../mine.stl')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await reads.maySee('mine.stl')).toBe(false);
    expect([...files, ...asked]).toEqual([]);
  });

  test.each(['', '../mine.stl', '/mine.stl', 'a//b'])('%j is no path', async (path) => {
    const { reads, files } = readsOf('operator');
    await expect(reads.one(path)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(files).toEqual([]);
  });
});

describe('the file of an order', () => {
  test.each([
    ['mine.stl', true],
    ['gone.stl', false],
    [null, false],
    // A row of the MES may say anything; no store has such a file.
    ['', false],
    ['../mine.stl', false],
    ['/mine.stl', false],
  ])('%j: %s', async (filePath, there) => {
    expect(await readsOf('partner').reads.ofOrder(orderOf({ filePath }))).toEqual(there ? metadataOf('mine.stl') : null);
  });

  test('of many orders with one file is one read', async () => {
    const { reads, files } = readsOf('operator');
    await Promise.all([1, 2, 3].map(() => reads.ofOrder(orderOf({ filePath: 'mine.stl' }))));
    expect(files).toEqual(['mine.stl']);
  });
});
