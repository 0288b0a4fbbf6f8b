import { LRUCache } from 'lru-cache';
import type { Viewer } from '../access/viewer.js';
import { GatewayError } from '../errors.js';
import type { Quota, Verdict } from '../limits/gcra.js';
import type { Ledger } from '../limits/ledger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { KIB, MINUTE, SECOND, type Bytes } from '../units.js';

/** What is bounded; also the names in the fields `RateLimit` and `RateLimit-Policy`, and in the metric. */
export const RATE_POLICIES = ['operator', 'partner', 'service', 'address', 'file-bytes', 'failed-auth'] as const;

export type RatePolicy = (typeof RATE_POLICIES)[number];

/** How much of each in a minute; what is absent is not bounded. */
export type RateLimitSettings = Readonly<Partial<Record<RatePolicy, number>>>;

/** Who asks, as far as it is known. */
export interface Asking {
  /** As `addressGroup` has it. */
  readonly address: string;
  readonly viewer?: Viewer | undefined;
}

/** What was found for one request, for its headers. */
export interface RateNotes {
  readonly verdicts: Map<RatePolicy, Verdict>;
}

/** The units of a policy, as they are called in messages. */
const UNITS: Readonly<Record<RatePolicy, string>> = {
  operator: 'points for each operator',
  partner: 'points for each partner',
  service: 'points for each service',
  address: 'points for each address',
  'file-bytes': 'bytes of files',
  'failed-auth': 'failed authentications from one address',
};

/**
 * What text costs that is parsed: up to 170 µs for a KiB of fields with aliases, where a point of an operation that is not cached
 * stands for some 5 to 10 µs.
 */
const POINTS_OF_KIB = 20;

/** The most tokens that are remembered as good. */
const WELCOME_MAX = 1_000;

/** Says who has used up what, before it costs anything, and counts what was used. A request costs by its size, an operation its cost. */
export class RateLimits {
  private readonly quotas = new Map<RatePolicy, Quota>();
  private readonly welcome = new LRUCache<string, true>({ max: WELCOME_MAX });

  constructor(
    private readonly ledger: Ledger,
    settings: RateLimitSettings,
    private readonly metrics: Pick<Metrics, 'rateLimited'>,
  ) {
    for (const policy of RATE_POLICIES) {
      const quota = settings[policy];
      if (quota !== undefined) this.quotas.set(policy, { quota, window: MINUTE });
    }
  }

  /** Whether anything is bounded at all. */
  get areOn(): boolean {
    return this.quotas.size > 0;
  }

  /**
   * A request or a connection arrives, and with it so many bytes to be parsed. `credentials`: what it proves itself by; if those
   * were good before, an address that guessed too often does not lock them out.
   * @throws GatewayError RATE_LIMITED
   */
  arrive(address: string, credentials: string | undefined, notes: RateNotes, size: Bytes = 0): void {
    this.take([['address', address]], pointsFor(size), notes);
    this.attempt(address, credentials, notes);
  }

  /** Somebody is about to prove who they are. @throws GatewayError RATE_LIMITED where too many of that address could not */
  attempt(address: string, credentials: string | undefined, notes: RateNotes): void {
    if (credentials === undefined || this.welcome.has(credentials)) return;
    const quota = this.quotas.get('failed-auth');
    if (!quota) return;
    const verdict = this.ledger.look(nameOf('failed-auth', address), 1, quota);
    // How many guesses are left is for nobody to know.
    if (!verdict.permitted) this.judge('failed-auth', quota, verdict, notes);
  }

  /** How an attempt to prove who one is ended. */
  proved(address: string, credentials: string, isGood: boolean): void {
    const quota = this.quotas.get('failed-auth');
    if (!quota) return;
    if (isGood) this.welcome.set(credentials, true);
    // What comes in the same moment as the last attempt adds to no debt that others would have to wait for.
    else this.ledger.spend(nameOf('failed-auth', address), 1, quota);
  }

  /** A message of so many bytes has come. @throws GatewayError RATE_LIMITED */
  hear(asking: Asking, size: Bytes, notes: RateNotes): void {
    this.spend(asking, pointsFor(size), notes);
  }

  /** Something that costs `points` is asked for. @throws GatewayError RATE_LIMITED */
  spend({ address, viewer }: Asking, points: number, notes: RateNotes): void {
    this.take([...accountsOf(viewer), ['address', address]], points, notes);
  }

  /** A file is asked for, by a viewer or by a signed URL. @throws GatewayError RATE_LIMITED */
  startFile({ address, viewer }: Asking, notes: RateNotes): void {
    this.take(accountsOf(viewer), 1, notes);
    this.sendFile({ address, viewer }, 0, notes);
  }

  /**
   * So many bytes of a file are to be sent: all of them if there is anything left. What is looked at is charged in the same
   * moment, so that of many downloads at once one may go beyond the quota. @throws GatewayError RATE_LIMITED
   */
  sendFile(asking: Asking, bytes: Bytes, notes: RateNotes): void {
    const quota = this.quotas.get('file-bytes');
    if (!quota) return;
    const name = nameOf('file-bytes', readerOf(asking));
    this.judge('file-bytes', quota, this.ledger.look(name, 1, quota), notes);
    if (bytes > 0) this.ledger.charge(name, bytes, quota);
  }

  /**
   * The fields of draft-ietf-httpapi-ratelimit-headers-11. `w` is the minute in which the whole quota comes back, `t` the
   * time until it is whole again.
   */
  headers({ verdicts }: RateNotes): Record<string, string> {
    if (verdicts.size === 0) return {};
    const [policies, limits]: [string[], string[]] = [[], []];
    let retryIn = 0;
    for (const [policy, verdict] of verdicts) {
      const unit = policy === 'file-bytes' ? ';qu="content-bytes"' : '';
      policies.push(`"${policy}";q=${this.quotas.get(policy)?.quota ?? 0}${unit};w=${MINUTE / SECOND}`);
      limits.push(`"${policy}";r=${verdict.remaining};t=${Math.ceil(verdict.wholeIn / SECOND)}`);
      if (!verdict.permitted) retryIn = Math.max(retryIn, secondsOf(verdict));
    }
    return {
      'ratelimit-policy': policies.join(', '),
      ratelimit: limits.join(', '),
      ...(retryIn > 0 && { 'retry-after': String(retryIn) }),
    };
  }

  /** From all of these accounts, or from none. */
  private take(accounts: readonly Account[], points: number, notes: RateNotes): void {
    for (const pass of ['look', 'spend'] as const) {
      for (const [policy, who] of accounts) {
        const quota = this.quotas.get(policy);
        if (quota) this.judge(policy, quota, this.ledger[pass](nameOf(policy, who), points, quota), notes);
      }
    }
  }

  private judge(policy: RatePolicy, { quota }: Quota, verdict: Verdict, { verdicts }: RateNotes): void {
    verdicts.set(policy, verdict);
    if (verdict.permitted) return;
    this.metrics.rateLimited(policy);
    const limit = `The limit of ${quota} ${UNITS[policy]} in a minute`;
    throw new GatewayError('RATE_LIMITED', `${limit} is used up; try again in ${secondsOf(verdict)} s.`);
  }
}

type Account = readonly [policy: RatePolicy, who: string];

function accountsOf(viewer: Viewer | undefined): Account[] {
  return viewer && viewer.role !== 'anonymous' ? [[viewer.role, partyOf(viewer)]] : [];
}

export function newRateNotes(): RateNotes {
  return { verdicts: new Map() };
}

/** Who shares an account and a place at the gate: all users of a partner; else each subject. */
export function partyOf(viewer: Viewer): string {
  if (viewer.role === 'anonymous') return viewer.role;
  return `${viewer.role}:${viewer.role === 'partner' ? viewer.partnerId : viewer.subject}`;
}

function readerOf({ address, viewer }: Asking): string {
  return viewer && viewer.role !== 'anonymous' ? partyOf(viewer) : address;
}

/** What has to be parsed before its cost is known, and may be refused then, costs by its size. */
function pointsFor(size: Bytes): number {
  return 1 + POINTS_OF_KIB * Math.floor(size / KIB);
}

function nameOf(policy: RatePolicy, who: string): string {
  return `${policy}|${who}`;
}

function secondsOf({ retryIn }: Verdict): number {
  return Math.max(1, Math.ceil(retryIn / SECOND));
}
