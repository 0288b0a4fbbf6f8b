import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant } from './support/plant.js';
import { describeWith } from './support/servers/shared.js';
import { tokenFor } from './support/tokens.js';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: { data?: Record<string, unknown> | null; errors?: { message: string; extensions: Record<string, unknown> }[] };
}

/** What a tool of others asks, and by what it takes an answer for a finding. */
interface Check {
  readonly name: string;
  readonly ask: (url: string) => Promise<Response>;
  readonly isFound: (answer: Answer) => boolean;
  /** Status and text of an answer that refuses. */
  readonly refusal?: readonly [status: number, text: RegExp];
  /** Found at the default settings, and why that is wanted. */
  readonly wanted?: string;
}

const post = (body: unknown) => (url: string) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const query = (text: string) => post({ query: text });
const get = (text: string) => (url: string) => fetch(`${url}?query=${encodeURIComponent(text)}`);
const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
const typename = ({ json }: Answer) => json.data?.['__typename'] !== undefined;
const isLimited = (limit: string) => new RegExp(`"limit":"${limit}"`);

/** The checks of graphql-cop 1.15, each with its own request and criterion. */
const GRAPHQL_COP: readonly Check[] = [
  {
    name: 'Alias Overloading',
    ask: query(`query cop { ${many(101, (n) => `alias${n}:__typename`)} }`),
    isFound: ({ json }) => json.data?.['alias100'] !== undefined,
    refusal: [400, isLimited('rootFields')],
  },
  {
    name: 'Array-based Query Batching',
    ask: post(Array.from({ length: 10 }, () => ({ query: 'query cop { __typename }' }))),
    isFound: ({ json }) => Array.isArray(json) && json.length >= 10,
    refusal: [400, /batching/],
  },
  {
    name: 'Directive Overloading',
    ask: query('query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }'),
    isFound: ({ json }) => json.errors?.length === 10,
    refusal: [400, isLimited('directives')],
  },
  {
    name: 'Introspection-based Circular Query',
    ask: query(
      'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
    ),
    isFound: ({ json }) => json.data?.['__schema'] !== undefined,
    refusal: [400, /GRAPHQL_VALIDATION_FAILED/],
  },
  {
    name: 'Circular Fragment',
    ask: query('query cop { ...A } fragment A on Query { __typename ...B } fragment B on Query { ...A }'),
    isFound: typename,
    refusal: [400, /GRAPHQL_VALIDATION_FAILED/],
  },
  {
    name: 'Field Duplication',
    ask: query(`query cop { ${many(500, () => '__typename')} }`),
    isFound: typename,
    refusal: [400, /"limit":"(rootFields|duplicates)"/],
  },
  {
    name: 'Introspection',
    ask: query('query cop { __schema { types { name fields { name } } } }'),
    isFound: ({ json }) => json.data?.['__schema'] !== undefined,
    refusal: [400, /introspection/i],
    wanted: 'developers and Sandbox read the schema; it holds nothing that is secret',
  },
  {
    name: 'Field Suggestions',
    ask: query('query cop { __schema { directive } }'),
    isFound: ({ text }) => text.includes('Did you mean'),
    refusal: [400, /GRAPHQL_VALIDATION_FAILED/],
    wanted: 'whoever may read the schema may be helped with it',
  },
  {
    name: 'Trace Mode',
    ask: query('query cop { __typename }'),
    isFound: ({ text }) => text.includes('tracing'),
  },
  {
    name: 'GET Method Query Support',
    ask: get('query cop {__typename}'),
    isFound: typename,
    refusal: [400, /CSRF/],
  },
  {
    name: 'Mutation is allowed over GET',
    ask: get('mutation cop {__typename}'),
    isFound: typename,
    refusal: [400, /CSRF/],
  },
  {
    name: 'POST based url-encoded query',
    ask: (url) => fetch(url, { method: 'POST', body: new URLSearchParams({ query: 'query cop { __typename }' }) }),
    isFound: typename,
    refusal: [400, /CSRF/],
  },
  {
    name: 'GraphQL IDE',
    ask: (url) => fetch(url, { headers: { accept: 'text/html' } }),
    isFound: ({ text }) => /graphiql\.min\.css|GraphQL Playground|GraphiQL|graphql-playground/.test(text),
  },
  {
    name: 'Unhandled Errors Detection',
    ask: query('qwerty cop { abc }'),
    isFound: ({ text }) => /"exception"|stacktrace|node_modules/.test(text),
    refusal: [400, /GRAPHQL_PARSE_FAILED/],
  },
];

async function answerTo({ ask }: Check, { url }: GatewayProcess): Promise<Answer> {
  const response = await ask(`${url}/graphql`);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, text, json: (isJson ? JSON.parse(text) : {}) as Answer['json'] };
}

describeWith('postgres')('probes of others', () => {
  let open: GatewayProcess;
  let closed: GatewayProcess;
  let token: string;

  beforeAll(async () => {
    const { url } = await freshPlant();
    [open, closed] = await Promise.all([
      startGateway({ MES_DATABASE_URL: url }),
      startGateway({ MES_DATABASE_URL: url, INTROSPECTION: 'false', SANDBOX: 'false' }),
    ]);
    token = await tokenFor({ role: 'operator' });
  });
  afterAll(() => Promise.all([open.stop(), closed.stop()]));

  describe('graphql-cop', () => {
    test.each(GRAPHQL_COP.map((check) => [check.name, check] as const))('%s', async (_name, check) => {
      for (const gateway of [open, closed]) {
        const answer = await answerTo(check, gateway);
        const isWanted = check.wanted !== undefined && gateway === open;
        expect([check.isFound(answer), answer.text.slice(0, 300)]).toEqual([isWanted, expect.any(String)]);
        if (!check.refusal || isWanted) continue;
        expect([answer.status, answer.text]).toEqual([check.refusal[0], expect.stringMatching(check.refusal[1])]);
      }
    });

    test('the IDE is Apollo Sandbox, and goes away with SANDBOX=false', async () => {
      const page = (gateway: GatewayProcess) => gateway.get('/graphql', { headers: { accept: 'text/html' } });
      expect(await (await page(open)).text()).toContain('embeddable-sandbox');
      expect(await (await page(closed)).text()).not.toContain('sandbox');
    });

    test('a GET that no page can send: a query is answered, a mutation is not', async () => {
      const ask = (text: string) =>
        open.get(`/graphql?query=${encodeURIComponent(text)}`, { headers: { 'apollo-require-preflight': 'true' } });
      expect((await ask('{ __typename }')).status).toBe(200);
      expect((await ask('mutation { __typename }')).status).toBe(405);
    });
  });

  /** Its protections with what is just over ours; where it answers 200 or 500, 400 is expected here. */
  describe('graphql-armor', () => {
    const deep = (levels: number) => `${'{ a '.repeat(levels)}${'}'.repeat(levels)}`;
    test.each<[protection: string, query: string, limit: string]>([
      ['maxAliases', `{ orders { nodes { ${many(201, (n) => `a${n}: id`)} } } }`, '(aliases|fields)'],
      [
        'maxAliases, by a fragment',
        `{ ...F } fragment F on Query { ${many(201, (n) => `a${n}: __typename`)} }`,
        '(aliases|rootFields)',
      ],
      ['maxDepth', deep(11), 'depth'],
      ['maxDepth, of brackets', deep(51), 'nesting'],
      ['maxDirectives', `{ ${many(51, (n) => `a${n}: __typename @include(if: true)`)} }`, 'directives'],
      ['maxTokens', `{ ${many(10_001, () => 'a')} }`, 'tokens'],
      [
        'costLimit',
        `{ ${many(60, (n) => `a${n}: orders(createdBy: "2025-07-24T${String(n % 24).padStart(2, '0')}:00Z", window: 60) { nodes { id number product customer file { url } } }`)} }`,
        'cost',
      ],
    ])('%s', async (_protection, text, limit) => {
      for (const gateway of [open, closed]) {
        const { status, text: body } = await gateway.graphql(text, {}, { token });
        expect([status, body]).toEqual([400, expect.stringMatching(isLimited(limit))]);
      }
    });

    test('costLimit: a fragment that doubles at each step is measured, not unfolded', async () => {
      const steps = many(40, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`);
      const { status, text } = await open.graphql(`{ ...F0 } ${steps} fragment F40 on Query { __typename }`, {}, { token });
      expect([status, text]).toEqual([400, expect.stringMatching(isLimited('\\w+'))]);
    });

    test('blockFieldSuggestion', async () => {
      const asked = '{ order { i } ordrs { id } }';
      expect((await open.graphql(asked, {}, { token })).text).toContain('Did you mean');
      const { text } = await closed.graphql(asked, {}, { token });
      expect(text).not.toMatch(/Did you mean|"orders"|"order\\?"/);
    });
  });
});
