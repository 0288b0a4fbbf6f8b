import type { Dice } from './dice.js';
import { anyOperation } from './documents.js';
import { anyCredential, oddHeaders } from './http-parts.js';
import { requestBytes, type Ground, type Probe } from './probe.js';

/** Of the messages of one connection; as many requests it counts for. */
export const MESSAGES_MAX = 16;
const TEXT = 1;
const CLOSE = 8;

/** A frame as a client sends it (RFC 6455 §5.2); what is left out is as it must be. */
interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly fin?: boolean;
  readonly reserved?: number;
  readonly masked?: boolean;
  /** What the header says of the length. */
  readonly said?: number;
}

export function frameBytes({ opcode, payload, fin = true, reserved = 0, masked = true, said = payload.length }: Frame): Buffer {
  const head = Buffer.alloc(14);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  let length = 2;
  if (said < 126) head[1] = mask | said;
  else if (said < 65_536) {
    head[1] = mask | 126;
    length = head.writeUInt16BE(said, 2);
  } else {
    head[1] = mask | 127;
    length = head.writeBigUInt64BE(BigInt(said), 2);
  }
  // A mask of zeros leaves the payload readable for whoever looks at a failure.
  return Buffer.concat([head.subarray(0, masked ? length + 4 : length), payload]);
}

/** One connection: the handshake, messages of the protocol in any order, frames that no client sends, and the end. */
export function websocketProbe(dice: Dice, ground: Ground): Probe {
  const messages = dice.times(dice.between(1, MESSAGES_MAX), (index) => piece(dice, ground, index));
  const begun = dice.chance(0.85) ? [message({ type: 'connection_init', payload: credentials(dice, ground) })] : [];
  const end = dice.chance(0.8) ? [frameBytes({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) })] : [];
  return { target: 'websocket', pieces: [handshake(dice, ground), ...begun, ...messages, ...end], way: 'socket' };
}

function handshake(dice: Dice, ground: Ground): Buffer {
  const key = dice.chance(0.97) ? dice.bytes(16).toString('base64') : dice.text();
  const protocol = dice.weighted([
    [92, 'graphql-transport-ws'],
    [3, 'graphql-ws'],
    [3, dice.text()],
    [2, 'graphql-transport-ws, graphql-ws'],
  ]);
  const headers = [
    ['upgrade', 'websocket'] as const,
    ['connection', 'Upgrade'] as const,
    ['sec-websocket-key', key] as const,
    ['sec-websocket-version', dice.chance(0.97) ? '13' : dice.text()] as const,
    ['sec-websocket-protocol', protocol] as const,
    ...(dice.chance(0.1) ? [['sec-websocket-extensions', dice.of(['permessage-deflate', dice.text()])] as const] : []),
    ...(dice.chance(0.15) ? oddHeaders(dice, ground) : []),
  ];
  const url = dice.chance(0.97) ? '/graphql' : dice.of(['/', '/files/x', '/graphql/../x', `/graphql?a=${'x'.repeat(9_000)}`]);
  return requestBytes({ method: dice.chance(0.99) ? 'GET' : 'POST', url, headers }, ground.host);
}

function credentials(dice: Dice, ground: Ground): unknown {
  const { value } = anyCredential(dice, ground);
  return dice.weighted<unknown>([
    [85, { authorization: value }],
    [5, { Authorization: value, authorization: dice.text() }],
    [10, dice.json()],
  ]);
}

function message(value: unknown): Buffer {
  return frameBytes({ opcode: TEXT, payload: Buffer.from(JSON.stringify(value)) });
}

function piece(dice: Dice, ground: Ground, index: number): Buffer {
  return dice.weighted<() => Buffer>([
    [70, () => message(spoken(dice, ground, index))],
    [8, () => message(dice.json())],
    [6, () => frameBytes({ opcode: TEXT, payload: dice.damaged(Buffer.from(JSON.stringify(spoken(dice, ground, index)))) })],
    [10, () => oddFrame(dice)],
    [3, () => dice.damaged(message(spoken(dice, ground, index)))],
    [1, () => message({ id: 'x', type: 'subscribe', payload: { query: `{ ${'a '.repeat(dice.of([5_000, 100_000]))}}` } })],
    [0.2, () => message({ type: 'ping', payload: 'x'.repeat(1_100_000) })],
  ])();
}

function spoken(dice: Dice, ground: Ground, index: number): object {
  const id = dice.of(['1', '2', String(index), dice.text(), 'x'.repeat(2_000)]);
  return dice.weighted<() => object>([
    [60, () => subscribe(dice, ground, id)],
    [12, () => ({ id, type: 'complete' })],
    [8, () => ({ type: dice.of(['ping', 'pong']), ...(dice.chance(0.5) && { payload: dice.json() }) })],
    [4, () => ({ type: 'connection_init', payload: credentials(dice, ground) })],
    [6, () => ({ id, type: dice.of(['next', 'error', 'connection_ack', 'start', 'stop', dice.text()]), payload: dice.json() })],
  ])();
}

function subscribe(dice: Dice, ground: Ground, id: unknown): object {
  const { query, variables } = anyOperation(dice, ground);
  const payload = {
    query: dice.chance(0.97) ? query : dice.json(),
    variables: dice.chance(0.95) ? variables : dice.json(),
    ...(dice.chance(0.1) && { operationName: dice.of<unknown>(['Any', dice.json()]) }),
    ...(dice.chance(0.1) && { extensions: dice.json() }),
  };
  return { id: dice.chance(0.95) ? id : dice.json(), type: 'subscribe', payload: dice.chance(0.97) ? payload : dice.json() };
}

function oddFrame(dice: Dice): Buffer {
  const payload = dice.chance(0.5) ? dice.bytes(dice.below(40)) : Buffer.from(dice.text());
  const odd: (() => Frame)[] = [
    () => ({ opcode: dice.below(16), payload }),
    () => ({ opcode: TEXT, payload, fin: false }),
    () => ({ opcode: 0, payload }),
    () => ({ opcode: TEXT, payload, reserved: dice.between(1, 7) }),
    () => ({ opcode: TEXT, payload, masked: false }),
    () => ({ opcode: TEXT, payload, said: payload.length + dice.of([1, 200, 2 ** 20 + 1, 2 ** 40]) }),
    () => ({ opcode: 2, payload }),
    () => ({ opcode: CLOSE, payload }),
    () => ({ opcode: dice.of([9, 10]), payload: Buffer.alloc(dice.of([0, 125, 126, 300]), 7) }),
  ];
  return frameBytes(dice.of(odd)());
}
