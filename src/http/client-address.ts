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
  for (let next = addressIn(forwarded.pop()); isIP(next) > 0; next = addressIn(forwarded.pop())) {
    address = next;
    if (!trusts(address)) break;
  }
  return address;
}

/** Some proxies write the port too: `203.0.113.9:1234`, `[2001:db8::1]:443`. */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([^\]]*)\](?::\d{1,5})?)$/;

/** The address in one entry of `X-Forwarded-For`; what is none is left as it is. */
function addressIn(entry = ''): string {
  const text = entry.trim();
  const [, ipv4, ipv6] = WITH_PORT.exec(text) ?? [];
  return ipv4 ?? ipv6 ?? text;
}

/** Addresses that one client has at hand count as one: an IPv6 network of 64 bits (RFC 6177), one IPv4 address however it is spelled. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 6).join() === '0,0,0,0,0,65535';
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.');
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** The eight numbers of 16 bits of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [left = [], right = []] = address
    .replace(/%.*$/, '')
    .replace(
      /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
      (_ipv4, ...bytes: string[]) => `${pair(bytes[0], bytes[1])}:${pair(bytes[2], bytes[3])}`,
    )
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const missing = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...missing, ...right].map((group) => parseInt(group, 16));
}

function pair(high = '', low = ''): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}
