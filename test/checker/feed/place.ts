import type { Random } from '../../../src/embedded/random.js';
import { startGateway, type GatewayProcess } from '../../support/gateway.js';

/** A place for a gateway; processes in it come and go, on one port. */
export class Place {
  process!: GatewayProcess;
  /** Of the process in place now. */
  name = '';
  isUp = false;
  private lives = 0;

  private constructor(
    readonly index: number,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async start(index: number, env: Readonly<Record<string, string>>): Promise<Place> {
    const place = new Place(index, env);
    await place.fill();
    return place;
  }

  async kill(): Promise<void> {
    this.isUp = false;
    this.process.kill('SIGKILL');
    await this.process.stop();
  }

  async fill(): Promise<void> {
    const port = this.lives > 0 && { PORT: String(this.process.port) };
    this.process = await startGateway({ ...this.env, ...port });
    this.name = `gateway ${this.index}.${(this.lives += 1)}`;
    this.isUp = true;
  }

  async stop(): Promise<void> {
    this.isUp = false;
    await this.process.stop();
  }
}

export function pickPlace(places: readonly Place[], random: Random): Place | undefined {
  const up = places.filter(({ isUp }) => isUp);
  return up[Math.floor(random() * up.length)];
}
