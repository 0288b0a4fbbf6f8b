import { GatewayError } from '../errors.js';
import { untilAborted } from '../until-aborted.js';

/** One party's loads. */
interface Party {
  running: number;
  readonly waiting: Waiting[];
}

interface Waiting {
  readonly enter: () => void;
  readonly refuse: (error: GatewayError) => void;
  hasTurn: boolean;
}

/** The party of work that is nobody's. */
const NOBODY = '';

/**
 * Bounds what is asked of a source at once. So many loads run, so many wait, and any beyond that are refused: a
 * source that has too much to do already is not helped by more of it.
 *
 * It is fair among parties. Those that wait take turns (fair queueing: Nagle, RFC 970), whatever each has waiting; one party
 * alone leaves one place to others; and when no more may wait, the longest queue loses its last (longest queue drop:
 * Suter, Lakshman, Stiliadis, Choudhury 1998). So whoever asks for much waits for it, and not those who ask for little.
 */
export class LoadGate {
  private running = 0;
  private waiting = 0;
  /** In the order of their turns: who had one goes to the end. */
  private readonly parties = new Map<string, Party>();

  constructor(
    private readonly source: string,
    private readonly maxRunning: number,
    private readonly maxWaiting: number,
  ) {}

  /**
   * @param signal ends the waiting for a turn; its reason is then thrown
   * @throws GatewayError SOURCE_UNAVAILABLE if too many wait already; whatever `load` throws
   */
  async run<T>(load: () => Promise<T>, name = NOBODY, signal?: AbortSignal): Promise<T> {
    const party = this.parties.get(name) ?? this.open(name);
    try {
      await this.enter(name, party, signal);
    } catch (error) {
      this.forget(name, party);
      throw error;
    }
    try {
      return await load();
    } finally {
      this.end(party);
      this.forget(name, party);
    }
  }

  private open(name: string): Party {
    const party: Party = { running: 0, waiting: [] };
    this.parties.set(name, party);
    return party;
  }

  private forget(name: string, { running, waiting }: Party): void {
    if (running === 0 && waiting.length === 0) this.parties.delete(name);
  }

  private enter(name: string, party: Party, signal: AbortSignal | undefined): Promise<void> {
    if (this.running < this.maxRunning && this.mayRun(name, party)) {
      this.start(party);
      return Promise.resolve();
    }
    if (this.waiting >= this.maxWaiting && !this.makeRoom(party)) throw this.tooMuch();
    this.waiting += 1;
    let quit = (): void => undefined;
    const turn = new Promise<void>((enter, refuse) => {
      const place: Waiting = { enter, refuse, hasTurn: false };
      party.waiting.push(place);
      quit = () => this.quit(party, place);
    });
    return untilAborted(turn, signal, quit);
  }

  /** Gives up a place in the queue, or a turn that has just come. */
  private quit(party: Party, place: Waiting): void {
    const index = party.waiting.indexOf(place);
    if (index >= 0) {
      party.waiting.splice(index, 1);
      this.waiting -= 1;
    } else if (place.hasTurn) this.end(party);
  }

  private end(party: Party): void {
    party.running -= 1;
    this.running -= 1;
    this.next();
  }

  private mayRun(name: string, { running }: Party): boolean {
    return running < (name === NOBODY ? this.maxRunning : Math.max(1, this.maxRunning - 1));
  }

  private start(party: Party): void {
    party.running += 1;
    this.running += 1;
  }

  /** Takes the last of the longest queue out, if that is longer than the one of `party` would be. */
  private makeRoom(party: Party): boolean {
    let longest = party;
    for (const other of this.parties.values()) if (other.waiting.length > longest.waiting.length) longest = other;
    if (longest.waiting.length <= party.waiting.length + 1) return false;
    this.waiting -= 1;
    longest.waiting.pop()?.refuse(this.tooMuch());
    return true;
  }

  private next(): void {
    for (const [name, party] of this.parties) {
      if (party.waiting.length === 0 || !this.mayRun(name, party)) continue;
      this.parties.delete(name);
      this.parties.set(name, party);
      this.waiting -= 1;
      this.start(party);
      const place = party.waiting.shift();
      if (place) {
        place.hasTurn = true;
        place.enter();
      }
      return;
    }
  }

  private tooMuch(): GatewayError {
    return new GatewayError('SOURCE_UNAVAILABLE', `The ${this.source} has too much to do at the moment; try again shortly.`);
  }
}
