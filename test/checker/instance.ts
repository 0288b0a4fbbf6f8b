import { between, pick, type Random } from '../../src/embedded/random.js';
import type { Milliseconds, Seconds } from '../../src/units.js';
import { startGateway, type GatewayProcess } from '../support/gateway.js';
import type { Proxy } from '../support/proxy.js';
import { startProxy } from '../support/proxy.js';
import { noonTimeZone } from '../support/race.js';
import { DATABASE_TIMEOUT, FILL_LOCK, ORDER_TTL, SHORT_TTL, SKEW, STALE_MAX, STORE_DEADLINE } from './bounds.js';
import { BreakerLog } from './breaker-log.js';
import type { Bug } from './options.js';
import { Spans } from './spans.js';

/** How a gateway differs from the others. */
interface Kind {
  readonly orderTtl: Seconds;
  /** Answers of the database are late by so much. */
  readonly database: Milliseconds;
  /** So are requests to Redis, and its answers. */
  readonly store: { readonly upstream: Milliseconds; readonly downstream: Milliseconds };
}

/**
 * For each gateway in turn. Loads last, and races are wide: a change through one gateway is acknowledged while another one still
 * waits for what was read before it.
 */
const KINDS: readonly [Kind, ...Kind[]] = [
  { orderTtl: SHORT_TTL, database: 25, store: { upstream: 1, downstream: 0 } },
  { orderTtl: SHORT_TTL, database: 60, store: { upstream: 20, downstream: 5 } },
  { orderTtl: ORDER_TTL, database: 2, store: { upstream: 0, downstream: 0 } },
];

/** Of the first processes; those that come later have any of them. */
const POLICIES: readonly [string, ...string[]] = ['fixed:15', 'fixed:60', 'adaptive'];

/** For NODE_OPTIONS. */
export const preload = (name: string): string => `--import ${new URL(name, import.meta.url).href}`;

export interface InstanceParts {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly random: Random;
  readonly bug: Bug | undefined;
  /** Called with every clock that is not right. */
  readonly onSkew: () => void;
  /** Called when a process reads its windows at other levels than the one before it. */
  readonly onSwitch: () => void;
}

/** A place for a gateway: its port, and its own ways to the database and to Redis. Processes in it come and go. */
export class Instance {
  /** Of the process in place now: each has its own memory, and its own name. */
  name = '';
  breaker!: BreakerLog;
  process!: GatewayProcess;
  /** When no process was ready here. */
  readonly down = new Spans();
  /** When the process was stopped, and lived. */
  readonly stopped = new Spans();
  /** When the way to the database, or the database, was disturbed. */
  readonly databaseTrouble = new Spans();
  /** When the way to Redis, or Redis, was disturbed. */
  readonly storeTrouble = new Spans();
  private lives = 0;
  private policy = '';
  private port: number | undefined;

  private constructor(
    readonly index: number,
    private readonly parts: InstanceParts,
    /** In front of Redis. */
    readonly store: Proxy,
    readonly database: Proxy,
  ) {}

  static async start(index: number, parts: InstanceParts): Promise<Instance> {
    const portOf = (url: string) => ({ port: Number(new URL(url).port) });
    const [store, database] = await Promise.all([startProxy(portOf(parts.redisUrl)), startProxy(portOf(parts.databaseUrl))]);
    const instance = new Instance(index, parts, store, database);
    instance.settleDatabase();
    instance.settleStore();
    await instance.fill();
    return instance;
  }

  private get kind(): Kind {
    return KINDS[this.index % KINDS.length] ?? KINDS[0];
  }

  get isUp(): boolean {
    return !this.down.isOpen && !this.stopped.isOpen;
  }

  /** Whether what it loads lives longer than other programs' changes may stay unseen. */
  get keepsLong(): boolean {
    return this.kind.orderTtl === ORDER_TTL;
  }

  /** Ends a fault of the way to the database. */
  settleDatabase(): void {
    this.database.setDelay({ upstream: 1, downstream: this.kind.database });
  }

  /** Ends a fault of the way to Redis. */
  settleStore(): void {
    this.store.setDelay(this.kind.store);
  }

  /** Kills the process at once (SIGKILL), and waits for its end. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    this.down.begin();
    await this.process.stop();
  }

  /** Stops the process (SIGSTOP) while `work` goes on. To whom it talks it seems to hang. */
  async whileStopped(work: () => Promise<void>): Promise<void> {
    const spans = [this.stopped, this.storeTrouble, this.databaseTrouble];
    for (const span of spans) span.begin();
    this.process.kill('SIGSTOP');
    try {
      await work();
    } finally {
      this.process.kill('SIGCONT');
      for (const span of spans) span.end();
    }
  }

  /** A new process on the same port, with another clock. */
  async revive(): Promise<void> {
    await this.fill();
    this.down.end();
  }

  async stop(): Promise<void> {
    await this.process.stop();
    await Promise.all([this.store.close(), this.database.close()]);
  }

  private async fill(): Promise<void> {
    const { databaseUrl, redisUrl, random, bug, onSkew, onSwitch } = this.parts;
    // The first clocks are right: gateways that agree on when an entry expires refresh it at the same time.
    const skew = this.lives === 0 || random() < 0.25 ? 0 : between(random, -SKEW, SKEW);
    const policy = this.lives === 0 ? POLICIES[this.index % POLICIES.length]! : pick(random, POLICIES);
    const preloads = [preload('clock.mjs'), preload('observe.mjs'), ...(bug ? [preload('bugs.mjs')] : [])];
    this.process = await startGateway({
      ...(this.port !== undefined && { PORT: String(this.port) }),
      NODE_OPTIONS: preloads.join(' '),
      CHECKER_CLOCK_OFFSET_MS: String(skew),
      ...(bug && { CHECKER_BUG: bug }),
      MES_DATABASE_URL: through(this.database, databaseUrl),
      MES_DATABASE_TIMEOUT_SECONDS: String(DATABASE_TIMEOUT),
      REDIS_URL: through(this.store, redisUrl),
      STORE_DEADLINE_MS: String(STORE_DEADLINE),
      FILL_LOCK_MS: String(FILL_LOCK),
      ORDER_TTL_SECONDS: String(this.kind.orderTtl),
      STALE_MAX_SECONDS: String(STALE_MAX),
      CHANGE_FEED: 'outbox',
      ORDER_WINDOW_POLICY: policy,
      PLANT_TIME_ZONE: noonTimeZone(),
      LOG_LEVEL: 'fatal',
    });
    this.port = this.process.port;
    checkClock(this.process.output(), skew);
    if (skew !== 0) onSkew();
    if (this.lives > 0 && policy !== this.policy) onSwitch();
    this.policy = policy;
    this.breaker = new BreakerLog(this.process);
    this.name = `gateway ${this.index}.${(this.lives += 1)} (${policy}, clock ${skew >= 0 ? '+' : ''}${skew} ms)`;
  }
}

/** @throws when the process, as `clock.mjs` has it say, goes by another time */
function checkClock(output: string, skew: Milliseconds): void {
  const ahead = Number(/^\{"clockAhead":(.+)\}$/m.exec(output)?.[1]);
  if (!(Math.abs(ahead - skew) < 100)) throw new Error(`the clock must be ${skew} ms ahead, but is: ${ahead} ms`);
}

function through(proxy: Proxy, url: string): string {
  const changed = new URL(url);
  changed.host = `${proxy.host}:${proxy.port}`;
  return changed.href;
}
