import { parse, type DocumentNode } from 'graphql';
import { DocumentStore } from '../src/graphql/document-store.js';

const documentOf = (name: string): DocumentNode => parse(`{ ${name} }`);

test('a document is the same object each time', async () => {
  const store = new DocumentStore();
  const document = documentOf('orders');
  await store.cache.set('a', document);
  expect(store.find('a')).toBe(document);
  expect(await store.cache.get('a')).toBe(document);
  await store.cache.delete('a');
  expect(store.find('a')).toBeUndefined();
});

test('those that were not used for the longest time make room for new ones, by the length of their texts', () => {
  const length = '{ f0 }'.length + 1;
  const store = new DocumentStore(10 * length);
  for (let index = 0; index < 1_000; index++) {
    store.keep(`f${index}`, documentOf(`f${index % 10}`));
    expect(store.find('f0')).toBeDefined();
  }
  const kept = Array.from({ length: 1_000 }, (_, index) => index).filter((index) => store.find(`f${index}`));
  expect(kept).toEqual([0, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
});

test('one that is longer than all that is kept is not kept, and drives nothing out', () => {
  const store = new DocumentStore(20);
  store.keep('short', documentOf('short'));
  store.keep('long', documentOf('long'.repeat(20)));
  expect([store.find('short'), store.find('long')]).toEqual([expect.anything(), undefined]);
});
