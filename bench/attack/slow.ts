import { connect, type Socket } from 'node:net';
import { SECOND } from '../../src/units.js';
import { note, type Tally } from './tally.js';

export interface SlowPlan {
  readonly tally: Tally;
  readonly port: number;
  readonly address: string;
  /** How many connections are kept open, and how many more are tried in a second. */
  readonly connections: number;
  readonly perSecond: number;
  /** What is sent at once. */
  readonly begin: string;
  /** What is sent each second after that; absent: nothing. */
  readonly drop?: string;
  /** Whether answers are taken. */
  readonly reads: boolean;
}

/** Keeps connections open that ask slowly, or take nothing; one that the gateway closes is opened again. */
export function attackSlowly(plan: SlowPlan): void {
  const open = new Set<Socket>();
  setInterval(() => {
    const wanted = Math.min(plan.connections - open.size, plan.perSecond / 10);
    for (let left = wanted; left > 0; left -= 1) add(plan, open);
  }, SECOND / 10);
  const { drop } = plan;
  if (drop === undefined) return;
  setInterval(() => {
    for (const socket of open) if (socket.writable && !socket.connecting) socket.write(drop);
  }, SECOND);
}

function add({ port, address, begin, reads, tally }: SlowPlan, open: Set<Socket>): void {
  const socket = connect({ host: '127.0.0.1', port, localAddress: address });
  let answer = '';
  open.add(socket);
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    tally.open += 1;
    if (begin) socket.write(begin);
    if (!reads) socket.pause();
    socket.once('close', () => void (tally.open -= 1));
  });
  if (reads) socket.setEncoding('latin1').on('data', (piece: string) => void (answer ||= piece));
  socket.once('close', () => {
    open.delete(socket);
    note(tally, /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'closed');
  });
}
