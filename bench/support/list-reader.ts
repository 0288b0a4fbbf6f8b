import { queryOnce } from '../../test/support/servers/postgres.js';
import { SECOND, type Milliseconds } from '../../src/units.js';
import { graphqlRequest, HttpConnection, type HttpAnswer } from './connection.js';
import type { Shot } from './load.js';
import type { Commit } from './outside-writer.js';

/** How late an answer may know of a commit. */
const LATE: Milliseconds = SECOND;
/** Changes that are looked for in each answer: parsing all of it would take the cores from who is measured. */
const LOOKED_FOR = 8;
const LIST = '{ orders { totalCount nodes { id status version } } }';

interface ListAnswer {
  readonly data?: { readonly orders: { readonly nodes: readonly { readonly id: string; readonly version: number }[] } };
}

/** Reads of today's list, which are judged by what the writer had committed. */
export class ListReader {
  stale = 0;
  checked = 0;
  readonly shot: Shot;

  constructor(
    token: string,
    private readonly commits: readonly Commit[],
  ) {
    this.shot = { request: graphqlRequest({ query: LIST }, token), check: (answer, sentAt) => this.judge(answer, sentAt) };
  }

  /** How many orders of the whole list at `port` are not in the version that the database has. */
  async differences(port: number, url: string, ids: number): Promise<number> {
    const connection = await HttpConnection.open(port);
    const { body } = await connection.send(this.shot.request);
    connection.close();
    const { data } = JSON.parse(body.toString()) as ListAnswer;
    const rows = await queryOnce(url, 'select id::text, version from orders order by created_at desc limit $1', [ids]);
    const answered = new Map(data?.orders.nodes.map(({ id, version }) => [id, version]));
    return rows.filter(({ id, version }) => answered.get(String(id)) !== version).length + Math.abs(answered.size - ids);
  }

  private judge({ body }: HttpAnswer, sentAt: Milliseconds): void {
    const last = this.commits.findLastIndex(({ ackedAt }) => ackedAt < sentAt - LATE);
    const wanted = this.commits.slice(Math.max(0, last + 1 - LOOKED_FOR), last + 1);
    this.checked += 1;
    if (wanted.some(({ id, version }) => versionIn(body, id) < version)) this.stale += 1;
  }
}

/** −1: the answer does not have the order. */
function versionIn(body: Buffer, id: string): number {
  const at = body.indexOf(`"id":"${id}"`);
  return at < 0 ? -1 : Number(/"version":(\d+)/.exec(body.toString('latin1', at, at + 150))?.[1]);
}
