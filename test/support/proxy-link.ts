import { connect, type Socket } from 'node:net';
import { KIB, type Bytes, type Milliseconds } from '../../src/units.js';

export type Direction = 'upstream' | 'downstream';

/** A hold of answers: which piece begins it, and what is called when one does. */
export interface HoldRule {
  which(piece: Buffer): boolean;
  held(): void;
}

/** What all connections of one proxy are subject to; they read it afresh for each piece. */
export interface Weather {
  paused: boolean;
  readonly delay: Record<Direction, Milliseconds>;
  readonly holds: Set<HoldRule>;
  readonly bytes: Record<Direction, Bytes>;
}

/** `undefined` stands for the end of the stream. */
interface Piece {
  data: Buffer | undefined;
  due: number;
}

const QUEUE_LIMIT: Bytes = 256 * KIB;

/** One connection of a client, and its counterpart to the server. */
export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: readonly [Lane, Lane];

  constructor(client: Socket, target: { host: string; port: number }, weather: Weather, onEnd: () => void) {
    this.#client = client;
    this.#server = connect({ ...target, allowHalfOpen: true, noDelay: true });
    this.#lanes = [new Lane('upstream', client, this.#server, weather), new Lane('downstream', this.#server, client, weather)];
    for (const socket of [client, this.#server]) {
      socket.on('error', () => this.reset());
      socket.on('close', () => {
        if (client.destroyed && this.#server.destroyed) onEnd();
      });
    }
  }

  /** Passes on what nothing holds back any more. */
  passOn(): void {
    for (const lane of this.#lanes) lane.passOn();
  }

  /** Ends both sides with RST. */
  reset(): void {
    for (const lane of this.#lanes) lane.clear();
    for (const socket of [this.#client, this.#server]) if (!socket.destroyed) socket.resetAndDestroy();
  }
}

/** One direction of a connection: a queue of pieces, passed on in order, each no earlier than its time. */
class Lane {
  readonly #direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  readonly #heldBy = new Set<HoldRule>();
  #queue: Piece[] = [];
  #queued: Bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(direction: Direction, from: Socket, to: Socket, weather: Weather) {
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    from.on('data', (data: Buffer) => this.#arrived(data));
    from.on('end', () => this.#arrived(undefined));
    to.on('drain', () => this.passOn());
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  passOn(): void {
    clearTimeout(this.#timer);
    for (let next = this.#queue[0]; next && !this.#blocked(next); next = this.#queue[0]) {
      const wait = next.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.passOn(), wait);
        return;
      }
      this.#queue.shift();
      this.#send(next.data);
    }
  }

  #arrived(data: Buffer | undefined): void {
    this.#queue.push({ data, due: performance.now() + this.#weather.delay[this.#direction] });
    this.#queued += data?.length ?? 0;
    if (this.#queued > QUEUE_LIMIT) this.#from.pause();
    this.passOn();
  }

  #send(data: Buffer | undefined): void {
    if (data === undefined) {
      this.#to.end();
      return;
    }
    this.#queued -= data.length;
    this.#weather.bytes[this.#direction] += data.length;
    this.#to.write(data);
    if (this.#queued <= QUEUE_LIMIT) this.#from.resume();
  }

  #blocked(next: Piece): boolean {
    return this.#weather.paused || this.#isHeld(next) || this.#to.writableNeedDrain;
  }

  #isHeld({ data }: Piece): boolean {
    if (this.#direction === 'upstream') return false;
    for (const rule of this.#weather.holds) {
      if (!this.#heldBy.has(rule) && data !== undefined && rule.which(data)) {
        this.#heldBy.add(rule);
        rule.held();
      }
    }
    return [...this.#heldBy].some((rule) => this.#weather.holds.has(rule));
  }
}
