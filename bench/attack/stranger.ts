import { DAY, MINUTE } from '../../src/units.js';
import { attackEagerly } from './eager.js';
import { attackSlowly } from './slow.js';
import { tallyOf, type Tally } from './tally.js';

/** A process of its own: everything a stranger does at once, from one address. Answers `look` with its tallies. */
export interface Orders {
  readonly port: number;
  readonly address: string;
  readonly connections: number;
  /** Of a partner who went bad. */
  readonly token: string;
}

const SLOW_BODIES = 200;
const SLOW_READERS = 100;
const LANES = 4;

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders;
const { port, address, connections, token } = orders;
const tallies: Tally[] = [];
const kind = (name: string): Tally => {
  const tally = tallyOf(name);
  tallies.push(tally);
  return tally;
};
const post = (headers: string, body: string, length = body.length): string =>
  `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${headers}content-length: ${length}\r\n\r\n${body}`;
const json = (query: string): string => JSON.stringify({ query });

/** A month that begins at a minute of its own, so that it is seldom cached. */
function month(): string {
  const from = new Date(Date.now() - 60 * DAY + Math.floor(Math.random() * 20 * 1_440) * MINUTE).toISOString();
  return json(`{ orders(createdBy: "${from}", window: 44640) { totalCount nodes { id number status product customer } } }`);
}

const deep = json(`${'{ a '.repeat(2_000)}${'}'.repeat(2_000)}`);
const aliases = json(`{ ${Array.from({ length: 3_000 }, (_, n) => `a${n}: orders(window: 60) { totalCount }`).join(' ')} }`);
const forged = `${token.slice(0, -8)}AAAAAAAA`;
const slow = { port, address, reads: true, perSecond: 2_000 };
const eager = { port, address, lanes: LANES };

attackSlowly({
  ...slow,
  tally: kind('slow heads'),
  connections,
  begin: 'POST /graphql HTTP/1.1\r\nhost: x\r\n',
  drop: 'x-a: b\r\n',
});
attackSlowly({ ...slow, tally: kind('slow bodies'), connections: SLOW_BODIES, begin: post('', '{', 5_000), drop: ' ' });
attackSlowly({
  ...slow,
  tally: kind('slow readers'),
  connections: SLOW_READERS,
  perSecond: 50,
  begin: post(`authorization: Bearer ${token}\r\n`, month()),
  reads: false,
});
attackEagerly({ ...eager, tally: kind('deep queries'), body: () => deep });
attackEagerly({ ...eager, tally: kind('huge aliases'), body: () => aliases });
attackEagerly({ ...eager, tally: kind('expensive windows'), body: month, token: () => token });
attackEagerly({ ...eager, tally: kind('bad tokens'), body: () => json('{ orders { totalCount } }'), token: () => forged });

process.on('message', () => process.send?.(tallies));
process.on('disconnect', () => process.exit(0));
