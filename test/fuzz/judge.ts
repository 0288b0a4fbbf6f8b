import { TARGETS, type Outcome, type Probe, type Target } from './probe.js';

export interface Finding {
  readonly number: number;
  readonly target: Target;
  readonly why: string;
  readonly sent: string;
  readonly answer: string;
}

const SHOWN = 2_000;
const FINDINGS_MAX = 20;
/** Whatever is said in the name of a fault of the gateway, by HTTP, by events or by WebSocket. */
const FAULTS: readonly (readonly [why: string, RegExp])[] = [
  ['status 500', /^HTTP\/1\.[01] 500 /m],
  ['INTERNAL_SERVER_ERROR', /"code":"INTERNAL_SERVER_ERROR"/],
  ['a stack', /node_modules\/|\n {4}at .+:\d+:\d+|"stacktrace"/],
  ['close code 4500', /\x88[\x02-\x7d]\x11\x94/],
  ['close code 1011', /\x88[\x02-\x7d]\x03\xf3/],
];

/** Counts answers, and keeps those that must not be. */
export class Judge {
  readonly findings: Finding[] = [];
  readonly counts = new Map<Target, Map<string, number>>(TARGETS.map((target) => [target, new Map<string, number>()]));
  readonly written = new Set<string>();
  found = 0;

  take(number: number, probe: Probe, outcome: Outcome): void {
    const counts = this.counts.get(probe.target);
    const status = String(outcome.status);
    counts?.set(status, (counts.get(status) ?? 0) + 1);
    if (probe.writes !== undefined && /^HTTP\/1\.1 20[14] /m.test(outcome.text)) {
      for (const url of [probe.writes, ...urlsPut(probe)]) this.written.add(writtenPath(url));
    }
    for (const [why, pattern] of FAULTS) if (pattern.test(outcome.text)) return this.find(number, probe, why, outcome);
    if (outcome.status === 'silence' && probe.way === 'exchange') this.find(number, probe, 'no answer', outcome);
  }

  private find(number: number, { target, pieces }: Probe, why: string, { text }: Outcome): void {
    this.found += 1;
    if (this.findings.length >= FINDINGS_MAX) return;
    const sent = Buffer.concat(pieces).toString('latin1').slice(0, SHOWN);
    this.findings.push({ number, target, why, sent: JSON.stringify(sent), answer: JSON.stringify(text.slice(0, SHOWN)) });
  }
}

/** As they were sent: an accident may have made another name of one, which is as good. */
function urlsPut({ pieces }: Probe): string[] {
  const sent = Buffer.concat(pieces).toString('latin1');
  return [...sent.matchAll(/PUT \/files\/(\S*)/g)].map(([, url = '']) => url);
}

function writtenPath(url: string): string {
  try {
    return decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '');
  } catch {
    return url;
  }
}
