import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { Download, download } from '../bench/files/download.js';
import { parseOptions } from '../bench/files/options.js';
import { parseOriginLog } from '../bench/files/origin.js';
import { cpuOf, residentOf } from '../bench/files/process-costs.js';
import { filesReport, hotHits, saved } from '../bench/files/report.js';
import { judgeFlat } from '../bench/files/slow.js';
import { createTrace, FILES, HOT } from '../bench/files/trace.js';
import { ratio } from '../bench/files/warm-report.js';
import { parseWrk } from '../bench/files/wrk.js';
import { together, trafficOf } from '../bench/files/zipf.js';
import { MIB } from '../src/units.js';

describe('options', () => {
  test('have defaults, and each can be set', () => {
    expect(parseOptions([])).toMatchObject({ parts: ['warm', 'cold', 'zipf', 'slow'], rounds: 3, seconds: 2, seed: 'files' });
    const words = ['--rounds', '5', '--seconds=8', '--only', 'zipf', '--seed', 'x', '--json', 'a.json'];
    expect(parseOptions(words)).toMatchObject({ parts: ['zipf'], rounds: 5, seconds: 8, seed: 'x', json: 'a.json' });
    expect(parseOptions(['--quick', '--seconds', '3'])).toMatchObject({ rounds: 1, seconds: 3, requests: 400 });
  });

  test.each([
    [['--only', 'hot'], '--only must be one of warm, cold, zipf, slow, but got: hot'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 999, but got: 0'],
    [['--seconds', '1.5'], '--seconds must be a whole number from 1 to 999, but got: 1.5'],
    [['--round', '2'], "Unknown option '--round'"],
    [['warm'], "Unexpected argument 'warm'"],
    [['--json'], "Option '--json <file>' argument missing"],
    [['--quick=yes'], "Option '--quick' takes no value, but got: yes"],
  ])('%j: "%s"', (words, message) => {
    expect(() => parseOptions(words)).toThrow(message);
  });
});

describe('what is read of other programs', () => {
  test("processor time and memory of a process, whatever the process' name is", () => {
    const stat = '42 (a) b (c) 9 9) S 1 42 42 0 -1 4194560 100 0 0 0 250 75 0 0 20 0 11 0 100 1 2';
    expect(cpuOf(stat)).toBe(3.25);
    expect(residentOf('Name:\tnode\nVmHWM:\t  999 kB\nVmRSS:\t  2048 kB\n')).toBe(2 * MIB);
    expect(residentOf('Name:\tzombie\n')).toBe(0);
  });

  test("wrk's counts, and the processor time that the shell tells of it", () => {
    const line = '{"duration":2000000,"requests":500,"bytes":1048576,"failures":3,"p50":1500,"p99":40000}';
    const result = parseWrk(`Running 2s test\n${line}\n`, '0m0.001s 0m0.002s\n1m0.250s 0m1.500s\n');
    expect(result).toEqual({ seconds: 2, requests: 500, bytes: MIB, failures: 3, p50: 1.5, p99: 40, cpu: 61.75 });
    expect(() => parseWrk('unable to connect', '')).toThrow('unable to connect');
  });

  test("the door's log, with attempts that got nothing", () => {
    const log =
      'GET\t200\t1048976\t/models/zipf/1.stl\nHEAD\t404\t300\t/models/x\nGET\t206\t0, 512\t/models/a b.stl\nGET\t499\t-\t/other\n';
    expect(parseOriginLog(log)).toEqual([
      { method: 'GET', status: 200, bytes: 1_048_976, path: 'zipf/1.stl' },
      { method: 'HEAD', status: 404, bytes: 300, path: 'x' },
      { method: 'GET', status: 206, bytes: 512, path: 'a b.stl' },
      { method: 'GET', status: 499, bytes: 0, path: '/other' },
    ]);
  });
});

describe('the trace', () => {
  test('is the same for the same seed, sweeps over every file once, and asks for few files most of the time', () => {
    const trace = createTrace('test', 2_000);
    expect(createTrace('test', 2_000)).toEqual(trace);
    expect(createTrace('other', 2_000)).not.toEqual(trace);
    const inOrder = Array.from({ length: FILES }, (_, index) => index);
    expect([...trace.sweep].sort((a, b) => a - b)).toEqual(inOrder);
    expect(trace.sweep).not.toEqual(inOrder);
    const all = [...trace.before, ...trace.after];
    expect(all).toHaveLength(2_000);
    // The sum of 1/k up to 20, by that up to 400.
    expect(all.filter((index) => index < HOT).length / all.length).toBeCloseTo(3.598 / 6.57, 1);
    for (const size of trace.sizes) expect(size >= 65_536 && size <= 4 * MIB).toBe(true);
  });

  test('is accounted for: what the store had to give, for hot files alone too', () => {
    const files = Array.from({ length: FILES }, (_, index) => ({ path: `${index}`, size: 100, sha256: '' }));
    const read = (path: string, bytes: number, method = 'GET') => ({ method, status: 200, bytes, path });
    const first = trafficOf([0, 0, 0, HOT], files, [read('0', 110), read('0', 10, 'HEAD'), read(`${HOT}`, 110)]);
    expect(first).toEqual({ requests: 4, served: 400, originReads: 2, originBytes: 230, hotServed: 300, hotOriginBytes: 120 });
    expect(saved(first)).toBeCloseTo(0.425);
    expect(hotHits(first)).toBeCloseTo(0.6);
    const both = together(first, trafficOf([1], files, []));
    expect(both).toMatchObject({ requests: 5, served: 500, originBytes: 230, hotServed: 400 });
  });
});

describe('the report', () => {
  test('compares rounds with those of the same moment', () => {
    expect(ratio([{ v: 10 }, { v: 100 }, { v: 30 }], [{ v: 100 }, { v: 200 }, { v: 100 }], ({ v }) => v)).toBe('0.3 ×');
    expect(ratio([{ v: 1 }], [], ({ v }) => v)).toBe('–');
  });

  test('says where the gateway is not as promised, and nothing of its peers', () => {
    const quantiles = { p50: 1, p99: 2 };
    const round = { originReads: 3, otherRequests: 1, originBytes: 3, firstByte: quantiles, lastByte: quantiles };
    const cold = ['mes-gateway', 'nginx proxy_cache'].map((name) => ({
      name,
      rounds: [{ ...round, failures: { 'status 503': 2 } }],
    }));
    const { text, problems } = filesReport({ cold });
    expect(text).toMatch(/^\| nginx proxy_cache \|.* 3 × \|/m);
    expect(problems).toEqual([
      'cold: mes-gateway read 3 times the file from the store',
      'cold: 2 downloads from mes-gateway failed: status 503',
    ]);
    const fine = { ...round, originReads: 20, originBytes: 1.001, failures: {} };
    expect(filesReport({ cold: [{ name: 'mes-gateway', rounds: [fine] }] }).problems).toEqual([]);
  });

  test('takes memory that goes up and down for flat, and memory that only goes up for a leak', () => {
    const saw = Array.from({ length: 90 }, (_, index) => (200 + 20 * (index % 3)) * MIB);
    expect(judgeFlat(saw)).toEqual({ thirds: [220 * MIB, 220 * MIB, 220 * MIB], flat: true });
    const rising = Array.from({ length: 90 }, (_, index) => (200 + 4 * index) * MIB);
    expect(judgeFlat(rising).flat).toBe(false);
    const slow = { readers: 1, rate: 1, fileBytes: 1, seconds: 45, idle: 1, received: 1, originBytes: 1, broken: 2 };
    expect(filesReport({ slow: { ...slow, resident: rising } }).problems).toEqual([
      'slow: memory grew',
      'slow: 2 connections broke',
    ]);
  });
});

describe('a download', () => {
  const content = randomBytes(3 * MIB + 17);
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer((request, response) => {
      response.writeHead(request.headers['x-missing'] ? 404 : 200, { 'content-length': content.length });
      if (request.url === '/cut') return response.write(content.subarray(0, MIB), () => response.destroy());
      return response.end(content);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  test('counts, hashes and times the body', async () => {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const results = await Promise.all(
      Array.from({ length: 5 }, () => download({ port, target: '/whole', headers: [] }, { hash: true })),
    );
    for (const result of results) {
      expect(result).toMatchObject({ status: 200, bytes: content.length, sha256 });
      expect(result.firstByte).toBeLessThanOrEqual(result.lastByte);
    }
    expect(await download({ port, target: '/whole', headers: ['x-missing: 1'] })).toMatchObject({
      status: 404,
      sha256: undefined,
    });
  });

  test('fails when the body ends too early', async () => {
    await expect(download({ port, target: '/cut', headers: [] })).rejects.toThrow(
      /the connection ended after \d+ bytes|ECONNRESET/,
    );
  });

  test('reads no faster than it is told, and can go away', async () => {
    const reader = await Download.open(port);
    const began = performance.now();
    const got = reader.get({ target: '/whole', headers: [] }, { rate: 20 * MIB });
    expect((await got).bytes).toBe(content.length);
    // All but the last piece, of at most 256 KiB.
    expect(performance.now() - began).toBeGreaterThan(130);
    const other = await Download.open(port);
    const ended = other.get({ target: '/whole', headers: [] }, { rate: 1 });
    other.stop();
    await expect(ended).rejects.toThrow('the connection ended');
  });
});
