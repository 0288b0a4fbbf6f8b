import { availableParallelism } from 'node:os';
import { run, tryRun } from '../../test/support/servers/run.js';

/** Which processor the measured server has to itself; everything else runs on the others. */
export interface Pinning {
  /** As the report says it. */
  readonly text: string;
  /** Words before a command that keep it off the server's processor. */
  readonly elsewhere: readonly string[];
  /** Keeps the processes of the measured server, with all their threads, on its processor. */
  pinServer(pids: readonly number[]): Promise<void>;
  /** Keeps these off it. */
  pinElsewhere(pids: readonly number[]): Promise<void>;
}

const SERVER_CPU = '0';

export async function choosePinning(): Promise<Pinning> {
  const last = availableParallelism() - 1;
  const { code } = await tryRun('taskset', ['-c', SERVER_CPU, 'true']);
  if (last < 1 || code !== 0) {
    const nothing = (): Promise<void> => Promise.resolve();
    return { text: 'nothing is pinned to a processor', elsewhere: [], pinServer: nothing, pinElsewhere: nothing };
  }
  const others = last === 1 ? '1' : `1-${last}`;
  const pin = async (cpus: string, pids: readonly number[]): Promise<void> => {
    for (const pid of pids) await run('taskset', ['-acp', cpus, String(pid)]);
  };
  return {
    text: `the server is pinned to processor ${SERVER_CPU}, wrk and Redis to ${others}`,
    elsewhere: ['taskset', '-c', others],
    pinServer: (pids) => pin(SERVER_CPU, pids),
    pinElsewhere: (pids) => pin(others, pids),
  };
}
