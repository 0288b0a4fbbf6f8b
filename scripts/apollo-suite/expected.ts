/** A test of the suite that fails although the gateway does what it means to. */
export interface ExpectedFailure {
  /** Its titles, without the outermost. */
  readonly test: string;
  /** Part of its message: the test may fail for this, and for nothing else. */
  readonly shows: string;
  readonly because: string;
}

export const EXPECTED_FAILURES: readonly ExpectedFailure[] = [
  {
    test: 'httpServerTests.ts › graphqlHTTP › rejects the request if the method is not POST or GET',
    shows: 'Received: "GET, OPTIONS, POST"',
    because: '405 as expected; Allow names OPTIONS too, which is answered',
  },
  {
    test: 'httpServerTests.ts › graphqlHTTP › throws an error if POST JSON is malformed',
    shows: 'Expected: true\nReceived: false',
    because: "400 as expected; the message is Fastify's, the suite knows those of other servers",
  },
  {
    test: 'httpServerTests.ts › graphqlHTTP › cache-control › runs when cache-control is disabled',
    shows: 'Received: "no-store"',
    because: 'what says nothing of caches gets no-store, since it is for one viewer',
  },
  {
    test: 'httpServerTests.ts › graphqlHTTP › cache-control not set without any hints with if-cacheable',
    shows: 'Received: "no-store"',
    because: 'the same',
  },
];

/** Tests that the suite leaves out itself. */
export const EXPECTED_SKIPS = { tests: /defer|@stream/, because: '@defer and @stream, which need graphql 17' };
