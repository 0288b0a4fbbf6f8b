import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Cluster } from './postgres-cluster.js';
import { identifyProcess, stillRuns, type ProcessIdentity } from './processes.js';

/**
 * Who stops the server. Its launcher is in the server's own `cluster_name`, so a server is never seen without one; whoever
 * took it over from a dead launcher is in the owner file.
 */
export async function launcherName(): Promise<string> {
  const self = await identifyProcess(process.pid);
  return `gateway ${process.pid} ${self?.startedAt ?? ''}`;
}

/** Writes into the owner file that this process is the one to stop the server. */
export async function takeOwnership(cluster: Cluster): Promise<void> {
  const draft = `${cluster.ownerFile}.${process.pid}`;
  await writeFile(draft, JSON.stringify(await identifyProcess(process.pid)));
  await rename(draft, cluster.ownerFile);
}

/** Whether the launcher of the server with this `cluster_name`, or the process in the owner file, still runs. */
export async function hasLiveOwner(cluster: Cluster, clusterName: string): Promise<boolean> {
  const [, pid, startedAt] = clusterName.split(' ');
  if (await stillRuns({ pid: Number(pid), startedAt: startedAt ?? '' })) return true;
  const owner = await readOwner(cluster);
  return owner !== null && (await stillRuns(owner));
}

async function readOwner(cluster: Cluster): Promise<ProcessIdentity | null> {
  try {
    const owner: unknown = JSON.parse(await readFile(cluster.ownerFile, 'utf8'));
    return isIdentity(owner) ? owner : null;
  } catch {
    return null;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return typeof value === 'object' && value !== null && 'pid' in value && 'startedAt' in value && typeof value.pid === 'number';
}
