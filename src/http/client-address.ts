import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Whether the peer at this address may say, by `X-Forwarded-*`, on whose behalf it asks. */
export type Trusts = (address: string | undefined) => boolean;

/** Looked up for every request, so remembered for the last addresses seen. */
const REMEMBERED = 1_000;

/** @param proxies addresses and networks such as `10.0.0.0/8`; `true`: everybody, which is safe only where proxies alone can connect */
export function trustIn(proxies: boolean | readonly string[]): Trusts {
  if (typeof proxies === 'boolean') return () => proxies;
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  const known = new LRUCache<string, boolean>({ max: REMEMBERED });
  const ask = (address: string): boolean => isIP(address) > 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return (address = '') => {
    const found = known.get(address) ?? ask(address);
    known.set(address, found);
    return found;
  };
}

/**
 * Who really asks: the nearest address that is not a trusted proxy. `X-Forwarded-For` is read from its end, and only as far
 * as those who wrote it are trusted; what stands further left anybody may have written.
 */
export function clientAddress({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, trusts: Trusts): string {
  let address = socket.remoteAddress ?? '';
  if (!trusts(address)) return address;
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
  for (let next = forwarded.pop()?.trim(); next !== undefined && isIP(next) > 0; next = forwarded.pop()?.trim()) {
    address = next;
    if (!trusts(address)) break;
  }
  return address;
}

/** Addresses that one client has at hand count as one: an IPv6 network of 64 bits (RFC 6177), one IPv4 address however it is spelled. */
export function addressGroup(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  return isIPv6(address) ? `${networkOf(address)}::/64` : address;
}

function networkOf(address: string): string {
  const [left = [], right = []] = address
    .replace(/%.*$/, '')
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  // The last 32 bits may be spelled as IPv4.
  const missing = 8 - left.length - right.length - (address.includes('.') ? 1 : 0);
  return [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}
