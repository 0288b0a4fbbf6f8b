import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../src/units.js';
import { graphqlRequest, HttpConnection } from './connection.js';

/** Between an answer and the next question: without it, three watchers would take the cores from who is measured. */
const PAUSE: Milliseconds = 2;
const ORDER = 'query Watch($id: ID!) { order(id: $id) { version } }';

/** Reads one order at one instance, again and again. */
export class Watcher {
  private id: string | undefined;
  private newest = { version: 0, at: 0 };
  private waiting: { readonly version: number; readonly resolve: (at: Milliseconds) => void } | undefined;
  private stopped = false;
  private readonly running: Promise<void>;

  private constructor(
    private readonly connection: HttpConnection,
    private readonly token: string,
  ) {
    this.running = this.run();
  }

  static async open(port: number, token: string): Promise<Watcher> {
    return new Watcher(await HttpConnection.open(port), token);
  }

  /** From now on the order `id`. */
  watch(id: string): void {
    this.id = id;
    this.newest = { version: 0, at: 0 };
  }

  /** When the first answer came that has this version of the watched order; by `performance.now()`. */
  sees(version: number): Promise<Milliseconds> {
    return new Promise((resolve) => {
      this.waiting = { version, resolve };
      this.tell();
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    this.connection.close();
  }

  private async run(): Promise<void> {
    for (; !this.stopped; await sleep(PAUSE)) {
      if (this.id === undefined) continue;
      const { id } = this;
      const { body } = await this.connection.send(graphqlRequest({ query: ORDER, variables: { id } }, this.token));
      const version = Number(/"version":(\d+)/.exec(body.toString())?.[1]);
      if (id !== this.id || !(version > this.newest.version)) continue;
      this.newest = { version, at: performance.now() };
      this.tell();
    }
  }

  private tell(): void {
    if (!this.waiting || this.newest.version < this.waiting.version) return;
    this.waiting.resolve(this.newest.at);
    this.waiting = undefined;
  }
}
