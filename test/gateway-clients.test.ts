import {
  ApolloClient,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
  ServerError,
  type TypedDocumentNode,
} from '@apollo/client';
import { cacheExchange, Client, fetchExchange } from '@urql/core';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import { freshPlant, type PlantOrder } from './support/plant.js';
import { tokenFor } from './support/tokens.js';
import { describeWith } from './support/servers/shared.js';

const ORDERS = `query Orders($from: DateTime!, $first: Int) {
  orders(createdBy: $from, first: $first) { totalCount nodes { id number status } }
}`;
const UPDATE = `mutation Update($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { id status version } }`;
const variables = { from: '2025-07-24T15:00Z', first: 1 };

interface Orders {
  orders: { totalCount: number; nodes: { id: string; number: string; status: string }[] };
}

interface Update {
  updateOrderStatus: { id: string; status: string; version: number };
}

describeWith('postgres')('other people’s clients', () => {
  let gateway: GatewayProcess;
  let rows: PlantOrder[];
  let authorization: string;

  beforeAll(async () => {
    const plant = await freshPlant();
    rows = await plant.insert({ number: 'ORD-17' }, { number: 'ORD-16', created_at: '2025-07-24T15:00:00Z' });
    gateway = await startGateway({ MES_DATABASE_URL: plant.url });
    authorization = `Bearer ${await tokenFor({ role: 'operator' })}`;
  });

  afterAll(() => gateway.stop());

  describe('@apollo/client', () => {
    const newClient = (headers: Record<string, string>): ApolloClient =>
      new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: `${gateway.url}/graphql`, headers }) });

    test('a query with variables, a mutation that updates its cache, and errors', async () => {
      const client = newClient({ authorization });
      const query: TypedDocumentNode<Orders> = gql(ORDERS);
      const mutation: TypedDocumentNode<Update> = gql(UPDATE);
      const { data } = await client.query({ query, variables });
      expect(data?.orders).toMatchObject({ totalCount: 2, nodes: [{ number: 'ORD-17', status: 'SUBMITTED' }] });

      const change = { id: rows[0]!.id, status: 'PACKAGING' };
      const changed = await client.mutate({ mutation, variables: change });
      expect(changed.data?.updateOrderStatus).toMatchObject({ status: 'PACKAGING', version: 2 });
      const cached = client.readQuery({ query, variables });
      expect(cached?.orders.nodes[0]).toMatchObject({ status: 'PACKAGING' });

      const failure: unknown = await client.mutate({ mutation, variables: change }).catch((error: unknown) => error);
      if (!CombinedGraphQLErrors.is(failure)) throw new Error(`must be GraphQL errors, but got: ${String(failure)}`);
      expect(failure.errors[0]).toMatchObject({ extensions: { code: 'INVALID_TRANSITION' }, path: ['updateOrderStatus'] });
      client.stop();
    });

    test('an anonymous caller learns why', async () => {
      const client = newClient({});
      const failure: unknown = await client.query({ query: gql(ORDERS), variables }).catch((error: unknown) => error);
      const text = ServerError.is(failure) ? failure.bodyText : JSON.stringify(failure);
      expect(text).toContain('UNAUTHENTICATED');
      client.stop();
    });
  });

  describe('@urql/core', () => {
    const newClient = (headers: Record<string, string>, preferGetMethod: boolean): Client =>
      new Client({
        url: `${gateway.url}/graphql`,
        exchanges: [cacheExchange, fetchExchange],
        fetchOptions: { headers },
        preferGetMethod,
      });

    test('a query with variables, by POST and by GET', async () => {
      for (const byGet of [false, true]) {
        // A GET needs what a simple form could not send; urql's own content-type is enough.
        const client = newClient({ authorization, ...(byGet && { 'apollo-require-preflight': 'true' }) }, byGet);
        const { data, error } = await client.query<Orders>(ORDERS, variables).toPromise();
        expect(error).toBeUndefined();
        expect(data?.orders).toMatchObject({ totalCount: 2, nodes: [{ number: 'ORD-17' }] });
      }
    });

    test('a mutation, and errors with their codes', async () => {
      const client = newClient({ authorization }, false);
      const { data } = await client.mutation<Update>(UPDATE, { id: rows[1]!.id, status: 'CLOSED' }).toPromise();
      expect(data?.updateOrderStatus).toMatchObject({ status: 'CLOSED', version: 2 });
      const refused = await client.mutation(UPDATE, { id: rows[1]!.id, status: 'CANCELLED' }).toPromise();
      expect(refused.error?.graphQLErrors[0]?.extensions['code']).toBe('INVALID_TRANSITION');
      const wrong = await client.query(ORDERS, { ...variables, first: -1 }).toPromise();
      expect(wrong.error?.graphQLErrors[0]?.message).toContain('"first" must be 0 to 10000');
    });

    test('an anonymous caller learns why', async () => {
      const { error } = await newClient({}, false).query(ORDERS, variables).toPromise();
      expect(error?.graphQLErrors[0]?.extensions['code']).toBe('UNAUTHENTICATED');
    });
  });
});
