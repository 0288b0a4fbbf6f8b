import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Bytes, Milliseconds } from '../../src/units.js';
import { Link, type Direction, type Weather } from './proxy-link.js';

/** Holds back answers from the moment it is made until `release`. */
export interface Hold {
  /** Fulfilled when the first answer is being held. */
  readonly heldOnce: Promise<void>;
  /** Lets everything go, in order; later answers pass freely. */
  release(): void;
}

/** A TCP proxy on 127.0.0.1 in front of one server. "Upstream" is from the client to the server, "downstream" back. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** Passed on so far, over all connections. */
  readonly bytes: Readonly<Record<Direction, Bytes>>;
  /** Open now. */
  readonly connections: number;
  /** Accepted so far. */
  readonly accepted: number;
  /** Each direction is later by this much; connections that are open already too. */
  delay(time: Milliseconds): void;
  setDelay(delay: Partial<Record<Direction, Milliseconds>>): void;
  /** Passes nothing on, in either direction, and closes nothing, like a frozen server. */
  pause(): void;
  resume(): void;
  /** Resets every open connection (RST). What was held is lost. */
  dropAll(): void;
  /** While on, new connections are refused, as if nothing listened. Open ones go on. */
  refuse(on: boolean): Promise<void>;
  /**
   * Holds answers. On each connection it begins with the first piece of an answer for which `which` gives true (default: any), and
   * everything after it on that connection waits behind it. A piece is what arrived in one read, not a message.
   */
  holdResponses(which?: (piece: Buffer) => boolean): Hold;
  /** Resets what is open and stops listening. */
  close(): Promise<void>;
}

/** Starts a proxy in front of the server at `host` (default 127.0.0.1) and `port`. */
export async function startProxy(target: { host?: string; port: number }): Promise<Proxy> {
  const proxy = new TcpProxy(target.host ?? '127.0.0.1', target.port);
  await proxy.listen();
  return proxy;
}

/** A proxy in front of the server of `url` on this machine, and the URL that leads through it. */
export async function startProxyTo(url: string): Promise<{ proxy: Proxy; url: string }> {
  const through = new URL(url);
  const proxy = await startProxy({ port: Number(through.port) });
  through.port = String(proxy.port);
  return { proxy, url: through.href };
}

class TcpProxy implements Proxy {
  readonly host = '127.0.0.1';
  port = 0;
  accepted = 0;
  readonly #target: { host: string; port: number };
  readonly #weather: Weather = {
    paused: false,
    delay: { upstream: 0, downstream: 0 },
    holds: new Set(),
    bytes: { upstream: 0, downstream: 0 },
  };
  readonly #links = new Set<Link>();
  #server: Server | undefined;

  constructor(host: string, port: number) {
    this.#target = { host, port };
  }

  get bytes(): Readonly<Record<Direction, Bytes>> {
    return { ...this.#weather.bytes };
  }

  get connections(): number {
    return this.#links.size;
  }

  async listen(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.accepted += 1;
      const link: Link = new Link(client, this.#target, this.#weather, () => this.#links.delete(link));
      this.#links.add(link);
    });
    this.#server.listen(this.port, this.host);
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  delay(time: Milliseconds): void {
    this.setDelay({ upstream: time, downstream: time });
  }

  setDelay(delay: Partial<Record<Direction, Milliseconds>>): void {
    Object.assign(this.#weather.delay, delay);
  }

  pause(): void {
    this.#weather.paused = true;
  }

  resume(): void {
    this.#weather.paused = false;
    this.#passOn();
  }

  dropAll(): void {
    for (const link of [...this.#links]) link.reset();
  }

  async refuse(on: boolean): Promise<void> {
    if (on) await this.#stopListening();
    else if (!this.#server) await this.listen();
  }

  holdResponses(which: (piece: Buffer) => boolean = () => true): Hold {
    let held = (): void => undefined;
    const heldOnce = new Promise<void>((resolve) => (held = resolve));
    const hold = { which, held };
    this.#weather.holds.add(hold);
    const release = (): void => {
      this.#weather.holds.delete(hold);
      this.#passOn();
    };
    return { heldOnce, release };
  }

  async close(): Promise<void> {
    this.dropAll();
    await this.#stopListening();
  }

  #passOn(): void {
    for (const link of this.#links) link.passOn();
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    // Its `close` event waits for open connections, which a refusal must not.
    const stopped = once(server, 'close');
    server.close();
    if (this.#links.size === 0) await stopped;
  }
}
