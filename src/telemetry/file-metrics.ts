import { Counter, Gauge, type Registry } from 'prom-client';
import type { FileMetrics, FileTier } from '../files/disk/metrics.js';
import type { VariantMetrics } from '../files/variants.js';
import type { Bytes } from '../units.js';

const TIERS: readonly FileTier[] = ['memory', 'disk', 'origin'];

/** Prometheus metrics of files' bytes. */
export class FileCounters implements FileMetrics, VariantMetrics {
  private readonly bytes: Counter<'tier'>;
  private readonly reads: Counter;
  private readonly readBytes: Counter;
  private readonly used: Gauge;
  private readonly evictions: Counter;
  private readonly corrupt: Counter;
  private readonly errors: Counter;
  private readonly encodings: Counter<'result'>;
  private readonly saved: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
    this.bytes = new Counter({
      name: 'mes_file_served_bytes_total',
      help: 'Bytes of files handed to clients, by the tier that they came from.',
      labelNames: ['tier'] as const,
      registers,
    });
    for (const tier of TIERS) this.bytes.inc({ tier }, 0);
    this.reads = counter('mes_file_origin_reads_total', 'Reads of bodies from the store of files, except small files.');
    this.readBytes = counter('mes_file_origin_bytes_total', 'Bytes of those reads.');
    this.used = new Gauge({ name: 'mes_file_disk_bytes', help: 'Disk that cached files take.', registers });
    this.evictions = counter('mes_file_disk_evictions_total', 'Files that this process evicted from the disk.');
    this.corrupt = counter('mes_file_disk_corrupt_total', 'Slices on disk whose checksum was wrong; they were loaded again.');
    this.encodings = new Counter({
      name: 'mes_file_encodings_total',
      help: 'Files that were encoded for clients that take it, by what became of it.',
      labelNames: ['result'] as const,
      registers,
    });
    for (const result of ['kept', 'useless', 'failed']) this.encodings.inc({ result }, 0);
    this.saved = counter('mes_file_encoding_saved_bytes_total', 'Bytes that were not sent because an encoded form was.');
    this.errors = counter('mes_file_disk_errors_total', 'Requests that the disk of the file cache refused.');
  }

  served(tier: FileTier, bytes: Bytes): void {
    this.bytes.inc({ tier }, bytes);
  }

  originRead(): void {
    this.reads.inc();
  }

  originBytes(bytes: Bytes): void {
    this.readBytes.inc(bytes);
  }

  diskBytes(bytes: Bytes): void {
    this.used.set(bytes);
  }

  evicted(): void {
    this.evictions.inc();
  }

  corruptSlice(): void {
    this.corrupt.inc();
  }

  diskError(): void {
    this.errors.inc();
  }

  variantKept(): void {
    this.encodings.inc({ result: 'kept' });
  }

  variantUseless(): void {
    this.encodings.inc({ result: 'useless' });
  }

  variantFailed(): void {
    this.encodings.inc({ result: 'failed' });
  }

  variantSaved(bytes: Bytes): void {
    this.saved.inc(bytes);
  }
}
