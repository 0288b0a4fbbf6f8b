import { BreakerLog } from '../checker/breaker-log.js';
import { preload as checkerPreload } from '../checker/instance.js';
import { Spans } from '../checker/spans.js';
import { startGateway, type GatewayProcess } from '../support/gateway.js';
import type { Proxy } from '../support/proxy.js';
import type { Host } from './host.js';
import type { OriginProxy } from './origin-proxy.js';

export interface InstanceParts {
  /** Settings that all gateways share. */
  readonly env: Readonly<Record<string, string>>;
  /** For NODE_OPTIONS. */
  readonly preloads: readonly string[];
  readonly host: Host;
  /** Its way to the store of files, if that is one over HTTP. */
  readonly origin: OriginProxy | undefined;
  /** Its way to Redis. */
  readonly way: Proxy;
  /** Gets all that a process printed, when it has ended. */
  readonly onEnd: (name: string, output: string) => void;
}

/** A place for a gateway: its port, its host, and its own way to the store of files. Processes in it come and go. */
export class Instance {
  /** Of the process in place now. */
  name = '';
  breaker!: BreakerLog;
  process!: GatewayProcess;
  /** When no process was ready here. */
  readonly down = new Spans();
  /** When the process was stopped, and lived. */
  readonly stopped = new Spans();
  private lives = 0;

  private constructor(
    readonly index: number,
    private readonly parts: InstanceParts,
  ) {}

  static async start(index: number, parts: InstanceParts): Promise<Instance> {
    const instance = new Instance(index, parts);
    await instance.fill();
    return instance;
  }

  get isUp(): boolean {
    return !this.down.isOpen && !this.stopped.isOpen;
  }

  get host(): Host {
    return this.parts.host;
  }

  get origin(): OriginProxy | undefined {
    return this.parts.origin;
  }

  get way(): Proxy {
    return this.parts.way;
  }

  /** Kills the process at once (SIGKILL), and waits for its end. */
  async kill(): Promise<void> {
    this.down.begin();
    this.process.kill('SIGKILL');
    await this.end();
  }

  /** Has the process end by itself (SIGTERM). Gives the exit code. */
  async terminate(): Promise<number | null> {
    this.down.begin();
    return this.end();
  }

  /** Stops the process (SIGSTOP) while `work` goes on. To whom it talks it seems to hang. */
  async whileStopped(work: () => Promise<void>): Promise<void> {
    this.stopped.begin();
    this.process.kill('SIGSTOP');
    try {
      await work();
    } finally {
      this.process.kill('SIGCONT');
      this.stopped.end();
    }
  }

  /** A new process on the same port. */
  async revive(): Promise<void> {
    await this.fill();
    this.down.end();
  }

  async stop(): Promise<void> {
    await this.end();
  }

  private async end(): Promise<number | null> {
    const code = await this.process.stop();
    this.parts.onEnd(this.name, this.process.output());
    return code;
  }

  private async fill(): Promise<void> {
    const { env, preloads, host } = this.parts;
    const port: Record<string, string> = this.lives > 0 ? { PORT: String(this.process.port) } : {};
    this.process = await startGateway({
      ...env,
      ...port,
      NODE_OPTIONS: [checkerPreload('observe.mjs'), ...preloads].join(' '),
      FILE_CACHE_DIR: host.folder,
    });
    this.breaker = new BreakerLog(this.process);
    this.name = `gateway ${this.index}.${(this.lives += 1)}`;
  }
}
