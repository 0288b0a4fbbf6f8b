import type { Point, Surface } from './stl.js';
import { between, boredPlate, joined, lathe, loft, onCircle, polygon, type Outline, type Spot } from './surfaces.js';

/** The sample parts; sizes in millimetres. */
export const SAMPLE_PARTS: readonly { readonly path: string; readonly title: string; readonly surface: () => Surface }[] = [
  { path: 'models/ring-17.stl', title: 'Ring 17', surface: ring },
  { path: 'models/bracket-4.stl', title: 'Bracket 4', surface: bracket },
  { path: 'models/gear-32.stl', title: 'Gear 32', surface: gear },
  { path: 'models/flange-80.stl', title: 'Flange 80', surface: flange },
  { path: 'models/housing-60.stl', title: 'Housing 60', surface: housing },
  { path: 'models/nut-m12.stl', title: 'Nut M12', surface: nut },
  { path: 'models/shaft-250.stl', title: 'Shaft 250', surface: shaft },
  { path: 'models/втулка 12+.stl', title: 'Bushing 12+', surface: bushing },
  { path: 'models/knob-fine.stl', title: 'Knurled knob', surface: knob },
];

/** A ring of round cross-section, bore 17. */
function ring(): Surface {
  const profile = Array.from({ length: 48 }, (_, index) => {
    const { x, y } = onCircle(2.5, index, 48);
    return { x: 11 + x, y: 2.5 + y };
  });
  return lathe(profile, 192, 'ring');
}

/** An angle lever with a pivot bore in its corner. */
function bracket(): Surface {
  const corners = [
    { x: 0, y: 0 },
    { x: 60, y: 0 },
    { x: 60, y: 14 },
    { x: 14, y: 14 },
    { x: 14, y: 40 },
    { x: 0, y: 40 },
  ];
  return boredPlate(polygon(corners, 32), 4, { centre: { x: 7, y: 7 }, radius: 4 });
}

/** 32 involute teeth of module 2, pressure angle 20 degrees. */
function gear(): Surface {
  const [teeth, module, pressureAngle, steps] = [32, 2, (20 * Math.PI) / 180, 8];
  const pitch = (teeth * module) / 2;
  const base = pitch * Math.cos(pressureAngle);
  const [root, tip] = [pitch - 1.25 * module, pitch + module];
  const involute = (angle: number): number => Math.tan(angle) - angle;
  /** Half the angle that a tooth fills at this radius; from the definition of the involute, and widened below its base circle. */
  const halfTooth = (radius: number): number => {
    const fillet = 0.02 * Math.max(0, base - radius);
    return Math.PI / (2 * teeth) + involute(pressureAngle) - involute(Math.acos(Math.min(1, base / radius))) + fillet;
  };
  const flank = Array.from({ length: steps + 1 }, (_, step) => root + ((tip - root) * step) / steps);
  const tooth = [
    ...flank.map((radius) => ({ radius, angle: -halfTooth(radius) })),
    ...flank.toReversed().map((radius) => ({ radius, angle: halfTooth(radius) })),
  ];
  const outline = Array.from({ length: teeth }, (_, index) =>
    tooth.map(({ radius, angle }) => polar(radius, angle + (2 * Math.PI * index) / teeth)),
  ).flat();
  return boredPlate(outline, 12, { centre: { x: 0, y: 0 }, radius: 10 });
}

/** Outer diameter 80, bore 40, with eight bolt holes. Each hole has a sector of its own; neighbours share their radial edges. */
function flange(): Surface {
  const [holes, arc, side] = [8, 24, 12];
  const sectors = Array.from({ length: holes }, (_, hole) => {
    const spot = (radius: number, step: number): Spot => onCircle(radius, hole * arc + step, holes * arc);
    const radial = (step: number): Spot[] =>
      Array.from({ length: side + 1 }, (_, index) => between(spot(20, step), spot(40, step), index / side));
    const outer = Array.from({ length: arc - 1 }, (_, index) => spot(40, index + 1));
    const inner = Array.from({ length: arc - 1 }, (_, index) => spot(20, arc - 1 - index));
    const outline: Outline = [...radial(0), ...outer, ...radial(arc).toReversed(), ...inner];
    const isRadial = (column: number): boolean => column < side || (column >= side + arc && column < 2 * side + arc);
    return boredPlate(outline, 10, { centre: onCircle(30, 2 * hole + 1, 2 * holes), radius: 4.5 }, isRadial);
  });
  return joined(sectors);
}

/** A square block of 60 with a round blind pocket. */
function housing(): Surface {
  const square = polygon(
    [
      { x: 30, y: -30 },
      { x: 30, y: 30 },
      { x: -30, y: 30 },
      { x: -30, y: -30 },
    ],
    64,
  );
  const pocket = square.map((spot) => polar(24, Math.atan2(spot.y, spot.x)));
  const centre = square.map(() => ({ x: 0, y: 0 }));
  const loops = [
    { outline: centre, z: 0 },
    { outline: square, z: 0 },
    { outline: square, z: 35 },
    { outline: pocket, z: 35 },
    { outline: pocket, z: 5 },
    { outline: centre, z: 5 },
  ];
  return stacked(loops, 'poles');
}

/** A hexagon of 19 across flats with the core bore of an M12 thread. */
function nut(): Surface {
  const corners = Array.from({ length: 6 }, (_, index) => onCircle(19 / Math.sqrt(3), index, 6));
  return boredPlate(polygon(corners, 32), 10.8, { centre: { x: 0, y: 0 }, radius: 5.1 });
}

/** A stepped shaft of length 250 with chamfered ends. */
function shaft(): Surface {
  const corners = [
    [0, 0],
    [9, 0],
    [10, 1],
    [10, 40],
    [12.5, 40],
    [12.5, 90],
    [17.5, 90],
    [17.5, 100],
    [15, 100],
    [15, 180],
    [12.5, 180],
    [12.5, 215],
    [10, 215],
    [10, 249],
    [9, 250],
    [0, 250],
  ] as const;
  return lathe(
    corners.map(([x, y]) => ({ x, y })),
    256,
    'poles',
  );
}

/** A collared plain bearing, bore 12. */
function bushing(): Surface {
  const corners = [
    [6, 0],
    [12, 0],
    [12, 3],
    [9, 3],
    [9, 19.5],
    [8.5, 20],
    [6, 20],
  ] as const;
  return lathe(
    corners.map(([x, y]) => ({ x, y })),
    256,
    'ring',
  );
}

/** A knob with diamond knurls, very finely tessellated: more than 20 MB. */
function knob(): Surface {
  const [rows, columns, radius, height, knurls] = [380, 600, 15, 20, 40];
  const point = (row: number, column: number): Point => {
    if (row === 0 || row === rows - 1) return { x: 0, y: 0, z: row === 0 ? 0 : height };
    const share = (row - 1) / (rows - 3);
    const angle = (2 * Math.PI * column) / columns;
    const depth = Math.sin(Math.PI * share) * Math.sin(knurls * angle + 60 * share) * Math.sin(knurls * angle - 60 * share);
    return { ...onCircle(radius + 0.4 * depth, column, columns), z: height * share };
  };
  return loft({ rows, columns, point, ends: 'poles' });
}

function stacked(loops: readonly { readonly outline: Outline; readonly z: number }[], ends: 'ring' | 'poles'): Surface {
  const columns = loops[0]?.outline.length ?? 0;
  const point = (row: number, column: number): Point => {
    const spot = loops[row]?.outline[column];
    return { x: spot?.x ?? 0, y: spot?.y ?? 0, z: loops[row]?.z ?? 0 };
  };
  return loft({ rows: loops.length, columns, point, ends });
}

function polar(radius: number, angle: number): Spot {
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}
