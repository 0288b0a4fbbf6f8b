import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../../../src/units.js';
import { freePorts } from './ports.js';
import { startRedis, type RedisServer } from './redis.js';

const NODES = 6;
const READY_PATIENCE = 30 * SECOND;

export interface RedisCluster {
  /** One URL per node, joined by commas: what REDIS_URL takes. */
  readonly url: string;
  readonly urls: readonly string[];
  /** Every node, masters and replicas; `masterNodes` says which are which now. */
  readonly nodes: readonly RedisServer[];
  /** The nodes that are masters at this moment, as a living node sees it. */
  masterNodes(): Promise<RedisServer[]>;
  stop(): Promise<void>;
}

/** Starts a Redis Cluster of three masters and three replicas, and waits until every node knows and serves it. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const busPorts = await freePorts(NODES);
  const started = await Promise.allSettled(busPorts.map((busPort) => startRedis({ extraArgs: nodeArgs(busPort) })));
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    await join(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = nodes.map((node) => node.url);
  return { url: urls.join(','), urls, nodes, stop, masterNodes: () => mastersOf(nodes) };
}

function nodeArgs(busPort: number): string[] {
  // Without the diskless delay of 0 a master that dies soon after the start is never replaced.
  const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
  return [...cluster, '--repl-diskless-sync-delay', '0'];
}

async function join(nodes: readonly RedisServer[]): Promise<void> {
  const first = nodes[0] as RedisServer;
  const addresses = nodes.map((node) => `127.0.0.1:${node.port}`);
  await first.cli('--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes');
  const deadline = Date.now() + READY_PATIENCE;
  for (const node of nodes) {
    while (!(await isReady(node))) {
      if (Date.now() > deadline)
        throw new Error(`the Redis Cluster was not ready after ${READY_PATIENCE} ms:\n${await first.cli('cluster', 'nodes')}`);
      await sleep(50);
    }
  }
}

/** A node is ready when it sees all slots served, and, as a replica, has its master's data. */
async function isReady(node: RedisServer): Promise<boolean> {
  const cluster = await node.cli('cluster', 'info');
  const replication = await node.cli('info', 'replication');
  const nodesSeen = await node.cli('cluster', 'nodes');
  const replicas = nodesSeen.split('\n').filter((line) => line.includes('slave')).length;
  const synced = replication.includes('role:master') ? /connected_slaves:[1-9]/ : /master_link_status:up/;
  return cluster.includes('cluster_state:ok') && replicas === NODES / 2 && synced.test(replication);
}

async function mastersOf(nodes: readonly RedisServer[]): Promise<RedisServer[]> {
  for (const node of nodes) {
    const seen = await node.cli('cluster', 'nodes').catch(() => undefined);
    if (seen === undefined) continue;
    const masters = seen.split('\n').filter((line) => /\bmaster\b/.test(line) && !/fail/.test(line));
    return nodes.filter(({ port }) => masters.some((line) => line.includes(`:${port}@`)));
  }
  throw new Error('no node of the Redis Cluster answers');
}
