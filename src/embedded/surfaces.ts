import type { EmitTriangle, Point, Surface } from './stl.js';

/** A point of the plane. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** A closed outline, counterclockwise, without repeating its first point. */
export type Outline = readonly Spot[];

/** The circle's point number `index` of `count`. The same arguments modulo `count` give the same bits. */
export function onCircle(radius: number, index: number, count: number): Spot {
  const angle = (2 * Math.PI * (index % count)) / count;
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

export interface LoftOptions {
  /** Loops from the bottom, outside up and inside down again; each has `columns` points, counterclockwise seen from above. */
  readonly rows: number;
  readonly columns: number;
  readonly point: (row: number, column: number) => Point;
  /** `ring`: the last loop joins the first, as in a tube. `poles`: the first and the last loop are single points. */
  readonly ends: 'ring' | 'poles';
  /** Patches between `row` and the next that are left open, for another part of the surface to join. */
  readonly open?: (row: number, column: number) => boolean;
}

/** The surface spanned between loops of points, one piece per row. */
export function loft({ rows, columns, point, ends, open }: LoftOptions): Surface {
  const loop = (row: number): Point[] => Array.from({ length: columns }, (_, column) => point(row % rows, column));
  return {
    pieces: ends === 'ring' ? rows : rows - 1,
    emit(row, emit) {
      const [lower, upper] = [loop(row), loop(row + 1)];
      for (let column = 0; column < columns; column += 1) {
        if (open?.(row, column)) continue;
        const next = (column + 1) % columns;
        patch(emit, at(lower, column), at(lower, next), at(upper, next), at(upper, column));
      }
    },
  };
}

/** Two triangles, or one where a pole makes an edge vanish. */
function patch(emit: EmitTriangle, a: Point, b: Point, c: Point, d: Point): void {
  if (!same(a, b)) emit(a, b, c);
  if (!same(c, d)) emit(a, c, d);
}

/** Several parts of one closed surface. */
export function joined(parts: readonly Surface[]): Surface {
  const index = parts.flatMap((part) => Array.from({ length: part.pieces }, (_, piece) => ({ part, piece })));
  return {
    pieces: index.length,
    emit(piece, emit) {
      const entry = at(index, piece);
      entry.part.emit(entry.piece, emit);
    },
  };
}

/** A solid of revolution about z. `profile`: radius (x) and height (y), from the bottom, outside up, inside down. */
export function lathe(profile: Outline, columns: number, ends: LoftOptions['ends']): Surface {
  const point = (row: number, column: number): Point => {
    const { x: radius, y: z } = at(profile, row);
    return { ...onCircle(radius, column, columns), z };
  };
  return loft({ rows: profile.length, columns, point, ends });
}

export interface Bore {
  readonly centre: Spot;
  readonly radius: number;
}

/**
 * A plate from z = 0 to `thickness` with a round bore. The bore's corners lie on the rays from its centre to the outline's, so
 * faces never overlap as long as each point of the outline can be seen from the centre.
 *
 * @param isOpen whether the wall over the outline's edge that starts at this column is left out
 */
export function boredPlate(
  outline: Outline,
  thickness: number,
  bore: Bore,
  isOpen: (column: number) => boolean = () => false,
): Surface {
  const inner = outline.map((spot) => towards(bore, spot));
  const point = (row: number, column: number): Point => ({
    ...at(row < 2 ? outline : inner, column),
    z: row === 1 || row === 2 ? thickness : 0,
  });
  return loft({ rows: 4, columns: outline.length, point, ends: 'ring', open: (row, column) => row === 0 && isOpen(column) });
}

function towards({ centre, radius }: Bore, { x, y }: Spot): Spot {
  const distance = Math.hypot(x - centre.x, y - centre.y);
  return { x: centre.x + ((x - centre.x) * radius) / distance, y: centre.y + ((y - centre.y) * radius) / distance };
}

/** Corners joined by straight edges, each cut into `pieces`. */
export function polygon(corners: Outline, pieces: number): Spot[] {
  return corners.flatMap((from, index) => {
    const to = at(corners, (index + 1) % corners.length);
    return Array.from({ length: pieces }, (_, step) => between(from, to, step / pieces));
  });
}

/** The point that divides the way from `from` to `to`; 0 is `from`. */
export function between(from: Spot, to: Spot, share: number): Spot {
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function same(a: Point, b: Point): boolean {
  return a.x === b.x && a.y === b.y && a.z === b.z;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`must be below ${items.length}, but got: ${index}`);
  return item;
}
