import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { graphql } from 'graphql';
import { typeDefs, type PeerPlant } from './plant.js';
import { STATEMENTS_PATH } from './route.js';

/** No server for use: bytes by the text of the request, made once and kept for ever; nobody's token is checked. The limit. */
export async function readyBytes(plant: PeerPlant, port: number): Promise<void> {
  const schema = makeExecutableSchema({ typeDefs, resolvers: plant.resolvers() });
  const answers = new Map<string, Promise<Buffer>>();
  const make = async (body: string, authorization: string | undefined): Promise<Buffer> => {
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const contextValue = await plant.contextOf(authorization);
    return Buffer.from(JSON.stringify(await graphql({ schema, source: query, variableValues: variables, contextValue })));
  };
  const server = createServer((request, response) => {
    if (request.url === STATEMENTS_PATH) return void response.end(String(plant.statements));
    void text(request).then(async (body) => {
      let answer = answers.get(body);
      if (!answer) answers.set(body, (answer = make(body, request.headers.authorization)));
      response.setHeader('content-type', 'application/json').end(await answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
}
