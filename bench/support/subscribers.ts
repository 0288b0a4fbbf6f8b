import WebSocket from 'ws';
import type { Milliseconds } from '../../src/units.js';
import type { Commit } from './outside-writer.js';

const SUBPROTOCOL = 'graphql-transport-ws';
const AT_ONCE = 50;
const LIVE = 'subscription { orderChanged { id number status version updatedAt product quantity } }';
/** About a kilobyte of each event, so that what the kernel holds for a client is soon full. */
const BULKY = `subscription { orderChanged { id version ${Array.from({ length: 25 }, (_, index) => `p${index}: product`).join(' ')} } }`;
const OPERATIONS = 100;

interface Message {
  readonly type: string;
  readonly payload?: { readonly data?: { readonly orderChanged: { readonly id: string; readonly version: number } } };
}

/** A client of the protocol. `onMessage` gets everything but pings; `begun` counts subscriptions. */
class Client {
  readonly socket: WebSocket;
  begun = 0;
  closeCode: number | undefined;

  constructor(url: string, token: string, query: string, operations: number, onMessage: (message: Message) => void) {
    const socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false });
    this.socket = socket;
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    socket.on('close', (code) => (this.closeCode = code));
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message;
      if (message.type === 'connection_ack') {
        for (let id = 1; id <= operations; id += 1) send({ type: 'subscribe', id: String(id), payload: { query } });
      } else if (message.type === 'ping') {
        send({ type: 'pong' });
        this.begun += 1;
      } else onMessage(message);
    });
  }
}

/** Many clients with the same subscription, each of which keeps account of what it was told. */
export class Subscribers {
  delivered = 0;
  /** An older version after a newer one. */
  disordered = 0;
  repeated = 0;
  /** Versions that a newer one came in place of. */
  skipped = 0;
  readonly latencies: Milliseconds[] = [];
  private readonly clients: Client[] = [];
  private readonly place: ReadonlyMap<string, number>;
  /** Per client, the newest version of each order. */
  private readonly newest: Int32Array[] = [];

  constructor(
    private readonly ids: readonly string[],
    private readonly commits: readonly Commit[],
  ) {
    this.place = new Map(ids.map((id, index) => [id, index]));
  }

  /** All have begun when this resolves. */
  async open(url: string, token: string, count: number): Promise<void> {
    while (this.clients.length < count) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - this.clients.length) }, () => {
        const newest = new Int32Array(this.ids.length).fill(1);
        this.newest.push(newest);
        return new Client(url, token, LIVE, 1, (message) => this.take(message, newest));
      });
      this.clients.push(...some);
      await until(() => some.every(({ begun }) => begun === 1));
    }
  }

  /** Orders of all clients whose newest version is not `versions`'. */
  behind(versions: ReadonlyMap<string, number>): number {
    return this.newest.flatMap((each) => this.ids.filter((id, index) => each[index] !== (versions.get(id) ?? 1))).length;
  }

  get closed(): number {
    return this.clients.filter(({ closeCode }) => closeCode !== undefined).length;
  }

  close(): void {
    for (const { socket } of this.clients) socket.close();
  }

  private take({ payload }: Message, newest: Int32Array): void {
    const order = payload?.data?.orderChanged;
    if (!order) return;
    const place = this.place.get(order.id);
    if (place === undefined) return;
    const { id, version } = order;
    const before = newest[place]!;
    this.delivered += 1;
    if (version < before) this.disordered += 1;
    if (version === before) this.repeated += 1;
    if (version <= before) return;
    this.skipped += version - before - 1;
    newest[place] = version;
    const commit = this.commits.findLast((each) => each.id === id && each.version === version);
    if (commit) this.latencies.push(performance.now() - commit.sentAt);
  }
}

/** A client that asks for much, and takes nothing any more once it has begun. */
export class SlowClient {
  private constructor(private readonly client: Client) {}

  static async open(url: string, token: string): Promise<SlowClient> {
    const client = new Client(url, token, BULKY, OPERATIONS, () => undefined);
    await until(() => client.begun === OPERATIONS);
    client.socket.pause();
    return new SlowClient(client);
  }

  /** Takes what has come until the connection ends. @returns its close code */
  async readToTheEnd(): Promise<number> {
    this.client.socket.resume();
    await until(() => this.client.closeCode !== undefined);
    return this.client.closeCode!;
  }

  cut(): void {
    this.client.socket.terminate();
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the gateway did not answer a WebSocket within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
