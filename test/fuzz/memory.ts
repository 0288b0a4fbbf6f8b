import { metricsOf } from '../../bench/support/gateway.js';
import { MIB, type Bytes } from '../../src/units.js';
import type { GatewayProcess } from '../support/gateway.js';

interface Sample {
  readonly rss: Bytes;
  readonly heap: Bytes;
}

/** Until then caches fill and code is compiled; so many requests say something. */
const REQUESTS_MIN = 20_000;
const GROWTH = 0.1;
const HEAP_MORE: Bytes = 8 * MIB;
const RSS_MORE: Bytes = 32 * MIB;

/** The gateway's memory over time. */
export class MemoryWatch {
  private readonly samples: Sample[] = [];

  constructor(private readonly gateway: GatewayProcess) {}

  async sample(): Promise<void> {
    const metrics = await metricsOf(this.gateway);
    const rss = metrics.get('process_resident_memory_bytes');
    const heap = metrics.get('nodejs_heap_size_used_bytes');
    if (rss !== undefined && heap !== undefined) this.samples.push({ rss, heap });
  }

  /**
   * The least heap of a third is what is left after the garbage collections in it; of RSS the median counts. From the
   * middle third to the last each may grow by a tenth, or by 8 and 32 MiB.
   */
  verdict(requests: number): { readonly line: string; readonly grew: boolean } {
    const third = Math.floor(this.samples.length / 3);
    const thirds = [0, 1, 2].map((index) => this.samples.slice(index * third, (index + 1) * third));
    const heaps = thirds.map((part) => Math.min(...part.map(({ heap }) => heap)));
    const sizes = thirds.map((part) => part.map(({ rss }) => rss).sort((a, b) => a - b)[part.length >> 1] ?? NaN);
    const shown = (values: readonly number[]) => values.map((value) => (value / MIB).toFixed(0)).join(' → ');
    const text = `heap after collections ${shown(heaps)} MiB, RSS ${shown(sizes)} MiB (thirds of ${this.samples.length} samples)`;
    if (requests < REQUESTS_MIN) return { line: `${text}; judged from ${REQUESTS_MIN} requests on`, grew: false };
    const grew = isMore(heaps, HEAP_MORE) || isMore(sizes, RSS_MORE);
    return { line: `${text}: ${grew ? 'GREW' : 'flat'}`, grew };
  }
}

function isMore([, middle = NaN, last = NaN]: readonly number[], allowed: Bytes): boolean {
  return last > middle + Math.max(GROWTH * middle, allowed);
}
