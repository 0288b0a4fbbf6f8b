import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSampleFiles, SAMPLE_FILE_PATHS } from '../src/embedded/sample-files.js';
import { KIB, MIB } from '../src/units.js';

const KNOB = 'models/knob-fine.stl';
const SMALL = SAMPLE_FILE_PATHS.filter((path) => path !== KNOB);

/** Corners by their exact bytes, so that edges are shared only if their ends are the very same floats. */
function triangles(stl: Buffer): { corners: string[]; at: number }[] {
  return Array.from({ length: stl.readUInt32LE(80) }, (_, index) => {
    const at = 84 + 50 * index;
    return { at, corners: [12, 24, 36].map((offset) => stl.toString('hex', at + offset, at + offset + 12)) };
  });
}

function vector(stl: Buffer, at: number): [number, number, number] {
  return [stl.readFloatLE(at), stl.readFloatLE(at + 4), stl.readFloatLE(at + 8)];
}

type Vector = [number, number, number];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

describe('sample models', () => {
  let dir: string;
  const read = (path: string): Buffer => readFileSync(join(dir, path));

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'embedded-stl-'));
    await ensureSampleFiles(dir, () => undefined);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test('are all there, and nothing else', () => {
    expect(
      readdirSync(join(dir, 'models'))
        .map((name) => `models/${name}`)
        .sort(),
    ).toEqual([...SAMPLE_FILE_PATHS].sort());
  });

  test.each(SAMPLE_FILE_PATHS)('%s is as long as its triangle count says', (path) => {
    const stl = read(path);
    expect(stl.length).toBe(84 + 50 * stl.readUInt32LE(80));
    expect(stl.toString('latin1', 0, 5)).not.toBe('solid');
  });

  test('there is one of more than 20 MiB; the others have 20 KiB to 2 MiB', () => {
    expect(statSync(join(dir, KNOB)).size).toBeGreaterThan(20 * MIB);
    for (const path of SMALL) {
      expect(statSync(join(dir, path)).size).toBeGreaterThan(20 * KIB);
      expect(statSync(join(dir, path)).size).toBeLessThan(2 * MIB);
    }
  });

  test.each(SMALL)('%s is closed: each edge belongs to two triangles, once in each direction', (path) => {
    const edges = new Map<string, number>();
    for (const { corners } of triangles(read(path))) {
      for (const [index, corner] of corners.entries()) {
        const edge = `${corner} ${corners[(index + 1) % 3]!}`;
        edges.set(edge, (edges.get(edge) ?? 0) + 1);
      }
    }
    const wrong = [...edges].filter(([edge, times]) => times !== 1 || edges.get(edge.split(' ').reverse().join(' ')) !== 1);
    expect(wrong).toEqual([]);
  });

  test.each(SMALL)('%s has outward facets: their normals fit, and the volume is positive', (path) => {
    const stl = read(path);
    let [volume, worst] = [0, 1];
    for (const { at } of triangles(stl)) {
      const [normal, a, b, c] = [vector(stl, at), vector(stl, at + 12), vector(stl, at + 24), vector(stl, at + 36)];
      const area = cross(minus(b, a), minus(c, a));
      worst = Math.min(worst, dot(area, normal) / Math.hypot(...area));
      volume += dot(a, cross(b, c)) / 6;
    }
    expect(worst).toBeGreaterThan(0.999);
    expect(volume).toBeGreaterThan(1_000);
  });

  test('have the same bytes when they are made again; what is there is left alone', async () => {
    const first = read('models/gear-32.stl');
    rmSync(join(dir, 'models/gear-32.stl'));
    writeFileSync(join(dir, 'models/nut-m12.stl'), 'mine');
    expect(await ensureSampleFiles(dir, () => undefined)).toEqual(['models/gear-32.stl']);
    expect(read('models/gear-32.stl').equals(first)).toBe(true);
    expect(read('models/nut-m12.stl').toString()).toBe('mine');
  });
});
