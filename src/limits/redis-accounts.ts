import { createClient, createCluster, defineScript, type CommandParser } from '@redis/client';
import type { Milliseconds } from '../units.js';
import type { SharedAccounts } from './ledger.js';

/**
 * Adds to one account. Its value is when it will be whole again, in ms by the clock of Redis; it expires at that moment, so
 * only accounts that owe something take room.
 */
const DEBIT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local whole = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.3f', whole), 'PX', math.ceil(whole - now))
return string.format('%.3f', whole - now)`;

const debit = defineScript({
  SCRIPT: DEBIT,
  NUMBER_OF_KEYS: 1,
  IS_READ_ONLY: false,
  parseCommand(parser: CommandParser, key: string, price: string) {
    parser.pushKey(key);
    parser.push(price);
  },
  transformReply: (reply: unknown) => Number(reply),
});

const RECONNECT_MAX: Milliseconds = 1_000;
const socket = {
  connectTimeout: 2_000,
  reconnectStrategy: (attempts: number) => Math.min(50 * 2 ** attempts, RECONNECT_MAX) * (0.5 + Math.random() / 2),
};

export interface OpenedAccounts extends SharedAccounts {
  close(): void;
}

/**
 * The accounts in Redis (more than one URL: a Redis Cluster), by a connection of their own. Connects in the background; while
 * there is no connection, every debit is rejected at once.
 */
export function openRedisAccounts(urls: readonly string[], onError: (error: Error) => void): OpenedAccounts {
  const scripts = { debit };
  const client =
    urls.length > 1
      ? createCluster({
          rootNodes: urls.map((url) => ({ url })),
          scripts,
          defaults: { disableOfflineQueue: true, socket },
          topologyRefreshOnReconnectionAttemptStrategy: 300,
        })
      : createClient({ url: urls[0] ?? '', scripts, disableOfflineQueue: true, socket });
  client.on('error', onError);
  let isClosed = false;
  const connect = (): void => {
    client.connect().catch((error: Error) => {
      onError(error);
      // A single node tries by itself; a cluster whose first attempt failed does not.
      if (urls.length > 1 && !isClosed) setTimeout(connect, RECONNECT_MAX).unref();
    });
  };
  connect();
  return {
    debit: async (key, price) => client.debit(key, price.toFixed(3)),
    close: () => {
      isClosed = true;
      client.destroy();
    },
  };
}
