import fc from 'fast-check';
import { isEnumType, isInputObjectType, isObjectType, specifiedScalarTypes } from 'graphql';
import type { Context } from '../src/graphql/context.js';
import { OperationEnd } from '../src/graphql/operation-end.js';
import { graphqlServer } from './support/graphql-server.js';

const { server: hidden, schema } = graphqlServer({ introspection: false });
const { server: shown } = graphqlServer();
beforeAll(() => Promise.all([hidden.start(), shown.start()]));
afterAll(() => Promise.all([hidden.stop(), shown.stop()]));

async function errorsOf(server: typeof hidden, query: string, variables?: Record<string, unknown>) {
  const contextValue = {
    orders: { page: () => Promise.reject(new Error('not to be reached')) },
    answers: { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() },
    logError: () => undefined,
    cacheReport: () => undefined,
    note: () => undefined,
    end: new OperationEnd(),
  } as unknown as Context;
  const { body } = await server.executeOperation({ query, ...(variables && { variables }) }, { contextValue });
  return (body.kind === 'single' ? (body.singleResult.errors ?? []) : []).map(({ message, extensions }) => ({
    message,
    code: extensions?.['code'],
  }));
}

/** Names that this schema has given, long enough to be told from words of a sentence. */
const NAMES = Object.values(schema.getTypeMap())
  .filter((type) => !type.name.startsWith('__') && !specifiedScalarTypes.some(({ name }) => name === type.name))
  .flatMap((type) => [
    type.name,
    ...(isEnumType(type) ? type.getValues().map(({ name }) => name) : []),
    ...(isObjectType(type) || isInputObjectType(type) ? Object.keys(type.getFields()) : []),
  ]);

describe('without introspection', () => {
  test.each(['{ __schema { description } }', '{ __type(name: "Order") { name } }', '{ a: __schema { description } }'])(
    'the schema is not told: %s',
    async (query) => {
      expect(await errorsOf(shown, query)).toEqual([]);
      expect(await errorsOf(hidden, query)).toEqual([
        { code: 'GRAPHQL_VALIDATION_FAILED', message: expect.stringContaining('introspection has been disabled') },
      ]);
    },
  );

  test('the type of an object is told, which clients need', async () => {
    expect(await errorsOf(hidden, '{ __typename }')).toEqual([]);
  });

  test.each([
    ['a field like one that there is', '{ order { totalCoun } orderz { id } }', /Did you mean/],
    ['a value like one that there is', '{ orders(status: [SHIPED]) { totalCount } }', /Expected one of/],
    ['an argument that is missing', '{ order { number } }', /ID!/],
    ['fields that are missing', '{ orders }', /OrderConnection/],
    ['an argument like one that there is', '{ orders(windo: 3) { totalCount } }', /Did you mean/],
  ])('errors suggest nothing, and name nothing that was not sent: %s', async (_what, query, suggestion) => {
    expect(JSON.stringify(await errorsOf(shown, query))).toMatch(suggestion);
    const errors = await errorsOf(hidden, query);
    expect(errors.length).toBeGreaterThan(0);
    for (const name of NAMES) if (!query.includes(name)) expect(JSON.stringify(errors)).not.toContain(`"${name}`);
    expect(JSON.stringify(errors)).not.toMatch(suggestion);
  });

  test('what was sent is still named', async () => {
    expect(await errorsOf(hidden, 'query ($x: Int) { __typename }')).toEqual([
      { message: 'Variable "$x" is never used.', code: 'GRAPHQL_VALIDATION_FAILED' },
    ]);
  });

  const CHANGE = 'mutation ($c: [OrderStatusChange!]!) { updateOrderStatuses(changes: $c) { number } }';
  const LIST =
    'query ($s: [OrderStatus!], $w: Int, $t: DateTime) { orders(status: $s, window: $w, createdBy: $t) { totalCount } }';
  const MISFIT = 'it does not fit the type "[OrderStatusChange!]!".';

  test.each([
    [CHANGE, { c: [{ status: 'CLOSED' }] }, [`Variable "$c" got invalid value { status: "CLOSED" } at "c[0]"; ${MISFIT}`]],
    [CHANGE, { c: [{ id: '1', status: 'CLOSD' }] }, [`Variable "$c" got invalid value "CLOSD" at "c[0].status"; ${MISFIT}`]],
    [CHANGE, { c: [{ id: '1', status: 7 }] }, [`Variable "$c" got invalid value 7 at "c[0].status"; ${MISFIT}`]],
    [
      CHANGE,
      { c: [{ id: '1', status: 'CLOSED', expectedVersio: 1 }] },
      [expect.stringMatching(/; Field "expectedVersio" is not defined by type "OrderStatusChange"\.$/)],
    ],
    [CHANGE, { c: [{ id: '1', status: 'CLOSED', expectedVersion: 'x' }] }, [expect.stringContaining('; Int cannot represent')]],
    [CHANGE, { c: ['x'] }, [expect.stringMatching(/; Expected type "OrderStatusChange" to be an object\.$/)]],
    [CHANGE, {}, ['Variable "$c" of required type "[OrderStatusChange!]!" was not provided.']],
    [LIST, { s: ['CLOSD'] }, [expect.stringMatching(/; Value "CLOSD" does not exist in "OrderStatus" enum\.$/)]],
    [LIST, { w: 0.5 }, ['Variable "$w" got invalid value 0.5; Int cannot represent non-integer value: 0.5']],
    [LIST, { t: 'x' }, [expect.stringContaining('; DateTime must be an existing date and time')]],
  ])('of a wrong variable its type and what was sent are named, nothing else: %s %j', async (query, variables, messages) => {
    const expected = messages.map((message) => ({ code: 'BAD_USER_INPUT', message }));
    expect(await errorsOf(hidden, query, variables)).toEqual(expected);
  });

  test('no random value of a variable is told of a name that it has not', async () => {
    const names = ['id', 'status', 'expectedVersion', 'OrderStatus', 'CLOSED', 'CANCELLED', 'SHIPPED'];
    const text = fc
      .tuple(fc.constantFrom(...names), fc.nat(15), fc.constantFrom('', '"', '\\', '; ', ' enum.', ' Did you mean "', '"?'))
      .map(([name, length, more]) => name.slice(0, length) + more);
    const value = fc.oneof(text, fc.constantFrom(null, 1, {}, []));
    const change = fc.oneof(value, fc.dictionary(fc.oneof(fc.constantFrom(...names), text), value));
    await fc.assert(
      fc.asyncProperty(fc.oneof(change, fc.array(change, { maxLength: 3 })), async (c) => {
        // Words of GraphQL's own messages, so that quotation marks that close what they should not go unnoticed.
        const query = `${CHANGE} # type at`;
        const told = (await errorsOf(hidden, query, { c })).map(({ message }) => message).join('\n');
        const sent = `${query} ${JSON.stringify(c)}`;
        expect(names.filter((name) => new RegExp(`\\b${name}\\b`).test(told) && !sent.includes(name))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('no random operation is told of a name that it has not', async () => {
    const word = fc.oneof(
      fc.constantFrom(...NAMES).chain((name) => fc.integer({ min: 1, max: name.length }).map((length) => name.slice(0, length))),
      fc.stringMatching(/^[a-z]{1,8}$/),
    );
    const value = fc.oneof(word, fc.constantFrom('1', '"x"', 'null', '[1]', '{a: 1}', '$v'));
    const field = fc
      .tuple(word, fc.array(fc.tuple(word, value), { maxLength: 2 }), fc.array(word, { maxLength: 3 }))
      .map(([name, given, below]) => {
        const list = given.map(([argument, each]) => `${argument}: ${each}`).join(', ');
        return `${name}${list === '' ? '' : `(${list})`}${below.length > 0 ? ` { ${below.join(' ')} }` : ''}`;
      });
    const operation = fc
      .tuple(fc.constantFrom('query', 'mutation'), word, fc.array(field, { minLength: 1, maxLength: 4 }))
      .map(([kind, type, fields]) => `${kind} ($v: ${type}) { ${fields.join(' ')} }`);
    await fc.assert(
      fc.asyncProperty(
        operation,
        fc.option(fc.dictionary(fc.constant('v'), fc.jsonValue()), { nil: undefined }),
        async (query, sent) => {
          const told = JSON.stringify((await errorsOf(hidden, query, sent)).map(({ message }) => message));
          const words = new Set(query.match(/\w+/g));
          const quoted = [...told.matchAll(/\\"([^"\\]*)\\"/g)].flatMap(([, text = '']) => text.match(/\w+/g) ?? []);
          expect(
            quoted.filter((each) => NAMES.includes(each) && !words.has(each) && !JSON.stringify(sent ?? '').includes(each)),
          ).toEqual([]);
          expect(told).not.toContain('Did you mean');
        },
      ),
      { numRuns: 250 },
    );
  });
});
