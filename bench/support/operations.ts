import type { EpochMilliseconds } from '../../src/units.js';
import { graphqlRequest } from './connection.js';

const ORDER = `id number status createdAt updatedAt version partnerId customer product material quantity priceMinor currency filePath`;
const LIST = `{ totalCount nodes { ${ORDER} } }`;
const WINDOW = `query Window($at: DateTime!) { orders(createdBy: $at, window: 60) ${LIST} }`;
const UPDATE = `mutation Advance($id: ID!, $status: OrderStatus!) { updateOrderStatus(id: $id, status: $status) { id status version } }`;

/** The hour that begins at `at`. */
export function windowRequest(at: EpochMilliseconds, token: string, headers = ''): Buffer {
  return graphqlRequest({ query: WINDOW, variables: { at: new Date(at).toISOString() } }, token, headers);
}

/** Many hours in one operation, by aliases. */
export function manyWindowsRequest(hours: readonly EpochMilliseconds[], token: string): Buffer {
  return graphqlRequest(manyWindowsBody(hours), token);
}

export function manyWindowsBody(hours: readonly EpochMilliseconds[]): { query: string; variables: Record<string, string> } {
  const variables = Object.fromEntries(hours.map((at, index) => [`h${index}`, new Date(at).toISOString()]));
  const declared = hours.map((_, index) => `$h${index}: DateTime!`).join(', ');
  const fields = hours.map((_, index) => `h${index}: orders(createdBy: $h${index}, window: 60) ${LIST}`).join('\n');
  return { query: `query Day(${declared}) {\n${fields}\n}`, variables };
}

export function updateRequest(id: string, status: string, token: string): Buffer {
  return graphqlRequest({ query: UPDATE, variables: { id, status } }, token);
}
