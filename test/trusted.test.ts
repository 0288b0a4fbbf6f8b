import { createHash } from 'node:crypto';
import { parse, specifiedRules, validate, type DocumentNode } from 'graphql';
import { buildManifest } from '../scripts/manifest/build.js';
import { readManifest, type Manifest } from '../src/graphql/manifest.js';
import { PersistedOperations } from '../src/graphql/persisted-operations.js';
import { createSchema } from '../src/graphql/server.js';

const schema = createSchema();
const check = (document: DocumentNode) => {
  const [error] = validate(schema, document, specifiedRules);
  if (error) throw error;
};
const build = (files: Readonly<Record<string, string>>, typenames = false): Manifest =>
  buildManifest(
    Object.entries(files).map(([name, text]) => ({ name, text })),
    { typenames, check },
  );
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const FILES = {
  'b.graphql':
    'query Today { orders { nodes { ...Row } } } mutation Move($id: ID!) { updateOrderStatus(id: $id, status: CLOSED) { ...Row } }',
  'a.graphql': 'fragment Row on Order { id ...More } fragment Unused on Order { id }',
  'c/more.graphql': 'fragment More on Order { number }',
};

describe('a manifest', () => {
  test('has each operation with the fragments that it needs, its id the hash of its text', () => {
    const { operations, ...head } = build(FILES);
    expect(head).toEqual({ format: 'apollo-persisted-query-manifest', version: 1 });
    expect(operations.map(({ name, type }) => [name, type])).toEqual([
      ['Move', 'mutation'],
      ['Today', 'query'],
    ]);
    for (const { id, body } of operations) {
      expect(id).toBe(sha256(body));
      expect(parse(body).definitions.map((each) => 'name' in each && each.name.value)).toEqual([
        expect.any(String),
        'More',
        'Row',
      ]);
    }
  });

  test('is the same for the same files in any order, and is taken by a gateway', () => {
    const manifest = build(FILES);
    expect(build(Object.fromEntries(Object.entries(FILES).reverse()))).toEqual(manifest);
    expect(readManifest(JSON.stringify(manifest), check)).toEqual(manifest);
  });

  test('may ask each object for its type, as clients with a normalised cache do', () => {
    const [move] = build(FILES, true).operations;
    expect(move?.body.replace(/\s+/g, ' ')).toBe(
      'mutation Move($id: ID!) { updateOrderStatus(id: $id, status: CLOSED) { ...Row __typename } } ' +
        'fragment More on Order { number __typename } fragment Row on Order { id ...More __typename }',
    );
  });

  test.each([
    [{ 'a.graphql': '{ orders { totalCount } }' }, 'a.graphql:1: every operation must have a name'],
    [{ 'a.graphql': 'query A { orders { total } }' }, 'a.graphql: operation "A": Cannot query field "total"'],
    [{ 'a.graphql': 'query A { orders {' }, 'a.graphql: Syntax Error'],
    [{ 'a.graphql': 'query A { ...F }' }, 'there is no fragment "F"'],
    [
      { 'a.graphql': 'query A { __typename }', 'b.graphql': 'query A { __typename }' },
      'b.graphql:1: "A" must be the name of one',
    ],
    [{}, 'there is no operation'],
  ])('of %j cannot be built', (files, message) => {
    expect(() => build(files)).toThrow(message);
  });

  const operation = build(FILES).operations[0];
  test.each([
    ['no JSON', '{', 'it is not JSON'],
    ['another format', { format: 'x', version: 1, operations: [] }, '"format"'],
    ['another version', { version: 2 }, '"version"'],
    ['an id that is not the hash', { operations: [{ ...operation, id: 'x' }] }, 'its id must be the SHA-256'],
    ['another name', { operations: [{ ...operation, name: 'Other' }] }, 'operation "Other": its body must name it so'],
    ['another type', { operations: [{ ...operation, type: 'query' }] }, 'its type must be'],
    ['a body that does not fit the schema', { operations: [bodyOf('query A { x }')] }, 'Cannot query field "x"'],
    ['two operations in one body', { operations: [bodyOf('query A { __typename } query B { __typename }')] }, 'exactly one'],
  ])('with %s is refused', (_what, wrong, message) => {
    const text = typeof wrong === 'string' ? wrong : JSON.stringify({ ...build(FILES), ...wrong });
    expect(() => readManifest(text, check)).toThrow(message);
  });
});

function bodyOf(body: string) {
  return { id: sha256(body), name: 'A', type: 'query', body };
}

describe('operations that are known by their hash', () => {
  const known = 'query A { __typename }';
  const manifest: Manifest = {
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ ...bodyOf(known), type: 'query' }],
  };
  const NOT_FOUND = expect.objectContaining({
    extensions: expect.objectContaining({ code: 'PERSISTED_QUERY_NOT_FOUND' }) as unknown,
  }) as Error;

  test('are found, and others are taken by their text', () => {
    const operations = new PersistedOperations({ manifest, only: false });
    expect(operations.resolve({ hash: sha256(known) })).toBe(known);
    expect(operations.resolve({ query: '', hash: sha256(known) })).toBe(known);
    expect(operations.resolve({ query: 'query B { __typename }' })).toBe('query B { __typename }');
    expect(() => operations.resolve({ hash: 'x' })).toThrow(NOT_FOUND);
    expect(() => operations.resolve({ query: known, hash: sha256('other') })).toThrow('does not match');
    expect(() => operations.check('anything')).not.toThrow();
  });

  test('where only the manifest counts, nothing else is taken or registered, and nothing is repeated', () => {
    const operations = new PersistedOperations({ manifest, only: true });
    const other = 'query Secret { __typename }';
    operations.register(sha256(other), other);
    expect(() => operations.resolve({ hash: sha256(other) })).toThrow(NOT_FOUND);
    expect(() => operations.check(other)).toThrow(NOT_FOUND);
    expect(() => operations.check(other)).not.toThrow(/Secret/);
    expect(() => operations.check(known)).not.toThrow();
    expect(() => operations.check(`${known} `)).toThrow(NOT_FOUND);
  });

  test('what clients register is bounded: the oldest gives way', async () => {
    const { cache } = new PersistedOperations({ only: false });
    const text = 'x'.repeat(100_000);
    for (let number = 0; number < 100; number += 1) await cache.set(`apq:${number}`, text);
    const kept = await Promise.all(Array.from({ length: 100 }, (_, number) => cache.get(`apq:${number}`)));
    expect(kept.filter((each) => each !== undefined)).toHaveLength(39);
    expect(kept.at(-1)).toBe(text);
    await cache.set('apq:huge', 'x'.repeat(5_000_000));
    expect(await cache.get('apq:huge')).toBeUndefined();
  });
});
