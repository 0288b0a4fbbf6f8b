import { defineScript, type CommandParser } from '@redis/client';

/**
 * Locks and tokens have the form that Keyv gives all values, `{"value":…}`, so that one MGET reads them all. A lock's
 * value is `owner|nonce`: who fills, and under which token.
 */
const CLAIM = `
local token = redis.call('GET', KEYS[1])
local nonce = token and string.match(token, '^{"value":"([^"]+)"')
if not nonce then
  nonce = ARGV[1]
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
local held = redis.call('GET', KEYS[2])
if held and string.match(held, '|([^"]+)"}$') == nonce then return {nonce, 0} end
redis.call('SET', KEYS[2], '{"value":"' .. ARGV[4] .. '|' .. nonce .. '"}', 'PX', ARGV[5])
return {nonce, 1}`;

const HOLD = `
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^{"value":"([^|]+)|') == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`;

/** Arguments: token key, lock key, nonce, the token as Keyv stores it, its TTL, owner, the lock's TTL. TTLs in ms. */
const claim = defineScript({
  SCRIPT: CLAIM,
  NUMBER_OF_KEYS: 2,
  IS_READ_ONLY: false,
  parseCommand(parser: CommandParser, tokenKey: string, lockKey: string, ...values: string[]) {
    parser.pushKeys([tokenKey, lockKey]);
    parser.push(...values);
  },
  transformReply: (reply: unknown) => {
    const [nonce, locked] = reply as [string, number];
    return { nonce, locked: locked === 1 };
  },
});

/** Arguments: lock key, owner, TTL in ms. */
const hold = defineScript({
  SCRIPT: HOLD,
  NUMBER_OF_KEYS: 1,
  IS_READ_ONLY: false,
  parseCommand(parser: CommandParser, lockKey: string, owner: string, ttl: string) {
    parser.pushKey(lockKey);
    parser.push(owner, ttl);
  },
  transformReply: (reply: unknown) => reply,
});

export const FILL_LOCK_SCRIPTS = { claim, hold };
