import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { seededRandom } from '../../src/embedded/random.js';
import { SAMPLE_PARTS } from '../../src/embedded/sample-parts.js';
import { writeStl, type Point, type Surface } from '../../src/embedded/stl.js';
import { loft } from '../../src/embedded/surfaces.js';

export interface Model {
  readonly format: string;
  readonly bytes: Buffer;
}

/** A part as CAD systems tessellate it, and one as a scanner sees it, in each format. */
export async function models(folder: string, scale: number): Promise<Model[]> {
  const part = SAMPLE_PARTS.find(({ path: name }) => name.includes('gear'))!;
  const surfaces: [string, Surface][] = [
    ['gear', part.surface()],
    ['knob', knob(scale)],
    ['scan', scan(scale, seededRandom('compress'))],
  ];
  const made: Model[] = [];
  for (const [name, surface] of surfaces) {
    const file = path.join(folder, `${name}.stl`);
    await writeStl(file, name, surface);
    made.push({ format: `STL, binary: ${name}`, bytes: await readFile(file) });
    made.push({ format: `STL, text: ${name}`, bytes: textStl(name, surface) });
    made.push({ format: `OBJ: ${name}`, bytes: obj(surface) });
    made.push({ format: `STEP: ${name}`, bytes: step(surface) });
  }
  return made;
}

function knob(scale: number): Surface {
  return sphere(scale, (row, column) => 15 + 0.4 * Math.sin(40 * column) * Math.sin(row * 7));
}

/** Every coordinate has noise of a hundredth, as measured points have. */
function scan(scale: number, random: () => number): Surface {
  const noise = new Map<string, number>();
  return sphere(scale, (row, column) => {
    const at = `${row}/${column}`;
    if (!noise.has(at)) noise.set(at, 15 + 0.01 * random());
    return noise.get(at)!;
  });
}

function sphere(scale: number, radius: (row: number, column: number) => number): Surface {
  const [rows, columns] = [scale, scale];
  const point = (row: number, column: number): Point => {
    const [tilt, turn] = [(Math.PI * row) / (rows - 1), (2 * Math.PI * (column % columns)) / columns];
    const distance = radius(row, column % columns);
    if (row === 0 || row === rows - 1) return { x: 0, y: 0, z: row === 0 ? -15 : 15 };
    return {
      x: distance * Math.sin(tilt) * Math.cos(turn),
      y: distance * Math.sin(tilt) * Math.sin(turn),
      z: -distance * Math.cos(tilt),
    };
  };
  return loft({ rows, columns, point, ends: 'poles' });
}

function eachTriangle(surface: Surface, emit: (corners: readonly Point[]) => void): void {
  for (let piece = 0; piece < surface.pieces; piece += 1) surface.emit(piece, (a, b, c) => emit([a, b, c]));
}

function textStl(name: string, surface: Surface): Buffer {
  const lines = [`solid ${name}`];
  const number = (value: number): string => Math.fround(value).toExponential(6);
  const spot = ({ x, y, z }: Point): string => `${number(x)} ${number(y)} ${number(z)}`;
  eachTriangle(surface, (corners) => {
    lines.push(`  facet normal ${spot(normal(corners))}`, '    outer loop');
    for (const corner of corners) lines.push(`      vertex ${spot(corner)}`);
    lines.push('    endloop', '  endfacet');
  });
  return Buffer.from([...lines, `endsolid ${name}`, ''].join('\n'));
}

function obj(surface: Surface): Buffer {
  const { points, faces } = indexed(surface);
  const lines = points.map(({ x, y, z }) => `v ${x.toFixed(6)} ${y.toFixed(6)} ${z.toFixed(6)}`);
  return Buffer.from([...lines, ...faces.map((face) => `f ${face.join(' ')}`), ''].join('\n'));
}

/** Faceted, in the entities of ISO 10303-21 that carry most of such a file. */
function step(surface: Surface): Buffer {
  const { points, faces } = indexed(surface);
  const lines = points.map(({ x, y, z }, index) => `#${index + 1}=CARTESIAN_POINT('',(${number(x)},${number(y)},${number(z)}));`);
  let id = points.length;
  for (const face of faces) {
    lines.push(
      `#${(id += 1)}=POLY_LOOP('',(${face.map((point) => `#${point}`).join(',')}));`,
      `#${(id += 1)}=FACE_OUTER_BOUND('',#${id - 1},.T.);`,
      `#${(id += 1)}=FACE_SURFACE('',(#${id - 1}),#${id + 1},.T.);`,
    );
  }
  return Buffer.from(['ISO-10303-21;', 'DATA;', ...lines, 'ENDSEC;', 'END-ISO-10303-21;', ''].join('\n'));
}

function number(value: number): string {
  const text = value.toPrecision(15).replace(/\.?0+$/, '');
  return text.includes('.') ? text : `${text}.`;
}

function indexed(surface: Surface): { points: Point[]; faces: number[][] } {
  const points: Point[] = [];
  const known = new Map<string, number>();
  const faces: number[][] = [];
  const indexOf = (point: Point): number => {
    const key = `${point.x} ${point.y} ${point.z}`;
    if (!known.has(key)) known.set(key, points.push(point));
    return known.get(key)!;
  };
  eachTriangle(surface, (corners) => faces.push(corners.map(indexOf)));
  return { points, faces };
}

function normal([a, b, c]: readonly Point[]): Point {
  const [u, v] = [difference(b!, a!), difference(c!, a!)];
  const cross = { x: u.y * v.z - u.z * v.y, y: u.z * v.x - u.x * v.z, z: u.x * v.y - u.y * v.x };
  const length = Math.hypot(cross.x, cross.y, cross.z) || 1;
  return { x: cross.x / length, y: cross.y / length, z: cross.z / length };
}

function difference(a: Point, b: Point): Point {
  return { x: a.x - b.x, y: a.y - b.y, z: a.z - b.z };
}
