import { between, pick, randomUuid, type Random } from './random.js';
import type { Order } from '../orders/order.js';

/** What a customer asks for; the rest of an order comes from its life in the plant. */
export type OrderDraft = Pick<
  Order,
  'id' | 'partnerId' | 'customer' | 'product' | 'material' | 'quantity' | 'priceMinor' | 'currency'
> & {
  /** The model of the part, or `null` if the customer sends a paper drawing. */
  readonly model: string | null;
};

interface Part {
  readonly product: string;
  readonly model: string;
  /** Of one piece in steel, in minor units. */
  readonly unitPrice: number;
  readonly materials: readonly string[];
  /** The largest usual batch. */
  readonly batch: number;
  /** Whose design it is: nobody else orders it. Absent: anybody's. */
  readonly partner?: string;
}

/** Price relative to steel. */
const MATERIALS: ReadonlyMap<string, number> = new Map([
  ['Steel S235', 1],
  ['Steel 42CrMo4', 1.3],
  ['Stainless steel 1.4301', 1.7],
  ['Aluminium EN AW-6082', 1.2],
  ['Brass CW614N', 1.9],
  ['Bronze CC493K', 2.4],
  ['Titanium Grade 5', 6.5],
  ['PA12', 0.6],
  ['POM-C', 0.8],
]);

const PARTS: readonly Part[] = [
  {
    product: 'Ring 17',
    model: 'models/ring-17.stl',
    unitPrice: 850,
    batch: 500,
    materials: ['Steel S235', 'Brass CW614N', 'Titanium Grade 5'],
  },
  {
    product: 'Bracket 4',
    model: 'models/bracket-4.stl',
    unitPrice: 1_490,
    batch: 200,
    materials: ['Steel S235', 'Aluminium EN AW-6082', 'PA12'],
  },
  {
    product: 'Gear 32',
    model: 'models/gear-32.stl',
    unitPrice: 4_200,
    batch: 80,
    materials: ['Steel 42CrMo4', 'POM-C', 'Brass CW614N'],
  },
  {
    product: 'Flange 80',
    model: 'models/flange-80.stl',
    unitPrice: 3_650,
    batch: 60,
    materials: ['Steel S235', 'Stainless steel 1.4301'],
  },
  {
    product: 'Housing 60',
    model: 'models/housing-60.stl',
    unitPrice: 7_900,
    batch: 40,
    partner: 'partner-b',
    materials: ['Aluminium EN AW-6082', 'PA12', 'POM-C'],
  },
  {
    product: 'Shaft 250',
    model: 'models/shaft-250.stl',
    unitPrice: 5_800,
    batch: 50,
    partner: 'partner-a',
    materials: ['Steel 42CrMo4', 'Stainless steel 1.4301', 'Titanium Grade 5'],
  },
  {
    product: 'Nut M12',
    model: 'models/nut-m12.stl',
    unitPrice: 95,
    batch: 2_000,
    materials: ['Steel S235', 'Stainless steel 1.4301', 'Brass CW614N'],
  },
  {
    product: 'Bushing 12',
    model: 'models/втулка 12+.stl',
    unitPrice: 640,
    batch: 400,
    materials: ['Bronze CC493K', 'POM-C', 'Brass CW614N'],
  },
  {
    product: 'Knurled knob',
    model: 'models/knob-fine.stl',
    unitPrice: 1_150,
    batch: 120,
    materials: ['Aluminium EN AW-6082', 'Stainless steel 1.4301', 'PA12'],
  },
];

const PARTNERS = ['partner-a', 'partner-a', 'partner-a', 'partner-b', 'partner-b', 'partner-c', null, null, null, null] as const;
const CUSTOMERS = 120;
const PAPER_DRAWINGS = 0.08;

/** A plausible new order. */
export function draftOrder(random: Random): OrderDraft {
  const id = randomUuid(random);
  const part = pick(random, PARTS);
  const material = pick(random, part.materials);
  // Small batches are far more usual than large ones.
  const quantity = Math.max(1, Math.round(part.batch * random() ** 3));
  const discount = quantity >= part.batch / 4 ? 0.85 : 1;
  const asking = pick(random, PARTNERS);
  return {
    id,
    partnerId: part.partner ?? asking,
    customer: `Customer ${String(between(random, 1, CUSTOMERS)).padStart(3, '0')}`,
    product: part.product,
    material,
    quantity,
    priceMinor: Math.round(quantity * part.unitPrice * (MATERIALS.get(material) ?? 1) * discount),
    currency: 'EUR',
    model: random() < PAPER_DRAWINGS ? null : part.model,
  };
}

/** `MO-2026-0012345`: the year of creation (UTC), and a serial that goes on over the years. */
export function orderNumber(serial: number, createdAt: number): string {
  return `MO-${new Date(createdAt).getUTCFullYear()}-${String(serial).padStart(7, '0')}`;
}

/** The serial of an order number, or 0 if it has none. */
export function serialOf(number: string): number {
  return Number(/^MO-\d{4}-(\d+)$/.exec(number)?.[1] ?? 0);
}

/** Where the model of a product lies, or `null` for a product that is not in the catalogue. */
export function modelOf(product: string): string | null {
  return PARTS.find((part) => part.product === product)?.model ?? null;
}
