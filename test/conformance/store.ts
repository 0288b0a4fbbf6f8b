import type { Store } from '../../src/cache/store.js';

/** What every adapter of the store port does. `open` gives an empty store; `raw` reads what other programs would see. */
export function storeConformance(name: string, open: () => Promise<Store>): void {
  describe(`store port: ${name}`, () => {
    let store: Store;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    test('what was never written is undefined, not an error', async () => {
      expect(await store.getMany(['absent:1', 'absent:2'])).toMatchObject({ kind: 'read', values: [undefined, undefined] });
    });

    test('values come back as they were, in the order asked for', async () => {
      const values = ['text', ':colon', '', 0, 1.5, true, { deep: [{ a: null, ü: '☃' }] }, [1, 2]];
      const entries = values.map((value, index) => ({ key: `kind:${index}`, value, ttl: 60_000 }));
      expect(await store.setMany(entries)).toMatchObject({ kind: 'written' });
      const keys = entries.map(({ key }) => key).reverse();
      expect(await store.getMany(keys)).toMatchObject({ kind: 'read', values: [...values].reverse() });
    });

    test('the last write wins', async () => {
      await store.setMany([{ key: 'twice', value: 1, ttl: 60_000 }]);
      await store.setMany([{ key: 'twice', value: 2, ttl: 60_000 }]);
      expect(await store.getMany(['twice'])).toMatchObject({ values: [2] });
    });

    test('keys with any characters stay apart', async () => {
      const keys = ['file:a b.stl', 'file:a+b.stl', 'file:втулка.stl', 'file:a%20b.stl', '{tag}:x', 'a::b', 'a:b'];
      await store.setMany(keys.map((key) => ({ key, value: key, ttl: 60_000 })));
      expect(await store.getMany(keys)).toMatchObject({ values: keys });
    });

    test('an entry vanishes after its time', async () => {
      await store.setMany([{ key: 'short', value: 1, ttl: 30 }]);
      const gone = async () => JSON.stringify(await store.getMany(['short'])).includes('"values":[null]');
      const deadline = Date.now() + 5_000;
      while (!(await gone())) expect(Date.now()).toBeLessThan(deadline);
    });

    test('many keys in one call', async () => {
      const entries = Array.from({ length: 1_000 }, (_, index) => ({ key: `many:${index}`, value: index, ttl: 60_000 }));
      expect(await store.setMany(entries)).toMatchObject({ kind: 'written' });
      expect(await store.getMany(entries.map(({ key }) => key))).toMatchObject({ values: entries.map(({ value }) => value) });
    });

    test('the epoch is the same for reads and writes of one life', async () => {
      const written = await store.setMany([{ key: 'epoch', value: 1, ttl: 1_000 }]);
      const read = await store.getMany(['epoch']);
      expect(written.kind === 'written' && read.kind === 'read' && written.epoch === read.epoch).toBe(true);
    });

    test('nothing asked, nothing wrong', async () => {
      expect(await store.getMany([])).toMatchObject({ kind: 'read', values: [] });
      expect(await store.setMany([])).toMatchObject({ kind: 'written' });
    });
  });
}
