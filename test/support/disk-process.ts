import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { ByteRange, FileMetadata } from '../../src/files/file.js';
import { MIB, SECOND, type Bytes } from '../../src/units.js';
import type { Report } from './disk-child.js';
import { ROOT } from './gateway-build.js';
import { startProcess } from './servers/server-process.js';

const PATIENCE = 30 * SECOND;

/** A download in another process. */
export interface RemoteDownload {
  outcome?: string;
  length: Bytes;
  /** Resolves at the end with the hash of all bytes. @throws what broke it */
  readonly hash: Promise<string>;
}

/** A process of its own with a tier over `folder`. */
export interface DiskProcess {
  counts: Report['counts'];
  read(file: FileMetadata, range?: ByteRange): RemoteDownload;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Closes the tier; the process ends by itself. */
  stop(): Promise<void>;
}

export async function startDiskProcess(
  folder: string,
  { url, max = 256 * MIB, logFile }: { url: string; max?: Bytes; logFile: string },
): Promise<DiskProcess> {
  let child!: ChildProcess;
  let next = 0;
  const hears = new Map<number, (report: Report) => void>();
  const ready = new Promise<void>((resolve) => hears.set(0, () => resolve()));
  const server = await startProcess({
    command: process.execPath,
    args: ['--import', 'tsx', join(ROOT, 'test/support/disk-child.ts'), folder, url, String(max)],
    logFile,
    spawn: (command, args, { stdio, ...options }) => {
      child = spawn(command, args, { ...options, cwd: ROOT, stdio: [...(stdio as []), 'ipc'] });
      return child.on('message', (report: Report) => {
        started.counts = report.counts;
        hears.get(report.id)?.(report);
      });
    },
  });
  const started: DiskProcess = {
    counts: { evictions: 0, corrupt: 0, errors: 0 },
    read: (file, range) => {
      const id = (next += 1);
      const hash = new Promise<string>((resolve, reject) => {
        hears.set(id, (report) => {
          Object.assign(download, report.outcome !== undefined && { outcome: report.outcome });
          if (report.length !== undefined) download.length = report.length;
          if (report.hash !== undefined) resolve(report.hash);
          if (report.failure !== undefined) reject(new Error(report.failure));
        });
        child.once('exit', () => reject(new Error('the process has ended')));
      });
      hash.catch(() => undefined);
      const download: RemoteDownload = { length: 0, hash };
      child.send({ id, file, ...(range && { range }) });
      return download;
    },
    kill: () => server.end('SIGKILL'),
    stop: async () => {
      if (!child.connected) return;
      child.send('close');
      await server.ended(PATIENCE);
    },
  };
  await ready;
  return started;
}
