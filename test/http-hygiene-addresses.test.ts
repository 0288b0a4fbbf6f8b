import type { IncomingMessage } from 'node:http';
import { addressGroup, clientAddress, trustIn } from '../src/http/client-address.js';
import { loadConfig } from '../src/config.js';

function from(remoteAddress: string, forwarded?: string) {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const PROXIES = trustIn(['10.0.0.0/8', '203.0.113.7', 'fd00::/8']);

test.each([
  ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['10.1.2.3', '6.6.6.6, 198.51.100.1', '198.51.100.1'],
  ['10.1.2.3', '6.6.6.6, 198.51.100.1, 203.0.113.7, fd00::1', '198.51.100.1'],
  ['10.1.2.3', '10.9.9.9', '10.9.9.9'],
  ['10.1.2.3', undefined, '10.1.2.3'],
  ['10.1.2.3', 'unknown', '10.1.2.3'],
  ['10.1.2.3', '6.6.6.6, " or 1=1, 10.4.4.4', '10.4.4.4'],
  ['10.1.2.3', '203.0.113.10:1234', '203.0.113.10'],
  ['10.1.2.3', '203.0.113.10:1234, 10.9.9.9:80', '203.0.113.10'],
  ['10.1.2.3', '[2001:db8::1]:443', '2001:db8::1'],
  ['10.1.2.3', '[2001:db8::1]', '2001:db8::1'],
  ['10.1.2.3', '2001:db8::1', '2001:db8::1'],
  ['10.1.2.3', '[203.0.113.10:1', '10.1.2.3'],
  ['10.1.2.3', '203.0.113.10:', '10.1.2.3'],
  ['198.51.100.1', '10.1.2.3', '198.51.100.1'],
  ['11.0.0.1', '6.6.6.6', '11.0.0.1'],
])('a request from %s with X-Forwarded-For "%s" is from %s', (peer, forwarded, client) => {
  expect(clientAddress(from(peer, forwarded), PROXIES)).toBe(client);
});

test('whoever is trusted by a flag may say anything, and who is not, nothing', () => {
  expect(clientAddress(from('198.51.100.1', '1.1.1.1'), trustIn(true))).toBe('1.1.1.1');
  expect(clientAddress(from('198.51.100.1', '1.1.1.1'), trustIn(false))).toBe('198.51.100.1');
});

test.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:cb00:7109', '203.0.113.9'],
  ['0:0:0:0:0:FFFF:203.0.113.9', '203.0.113.9'],
  ['0:0:0:0:0:ffff:cb00:7109', '203.0.113.9'],
  ['::ffff:0:203.0.113.9', '0:0:0:0::/64'],
  ['1::ffff:203.0.113.9', '1:0:0:0::/64'],
  ['192.0.2.1', '192.0.2.1'],
])('%s counts as %s', (address, group) => {
  expect(addressGroup(address)).toBe(group);
});

describe('TRUST_PROXY', () => {
  const read = (TRUST_PROXY: string) => loadConfig({ TRUST_PROXY }).http.trustProxy;

  test.each<[string, boolean | string[]]>([
    ['true', true],
    ['off', false],
    ['10.0.0.0/8, 203.0.113.7', ['10.0.0.0/8', '203.0.113.7']],
    ['loopback', ['127.0.0.0/8', '::1/128']],
  ])('"%s"', (value, expected) => {
    expect(read(value)).toEqual(expected);
  });

  test.each(['2', 'proxy.example.com', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/x', ',', 'fd00::/129'])(
    '"%s" is refused',
    (value) => {
      expect(() => read(value)).toThrow(/^TRUST_PROXY: expected true, false, or addresses and networks with commas/);
    },
  );
});
