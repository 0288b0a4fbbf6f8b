import { randomUUID } from 'node:crypto';
import { encodeCursor } from '../../src/orders/cursor.js';
import { MINUTE } from '../../src/units.js';
import { plantOrder, type PlantOrder } from './plant.js';

const DAY = Date.parse('2025-07-24T14:00:00Z');
const STATUSES = ['SUBMITTED', 'PACKAGING', 'SHIPPED', 'CANCELLED'];

/** Stands in everything that partner A must not learn, and in nothing else. */
const MARK = 'zqsecret';
const MARKED_ID = 'b0b0b0b0';
const MARKED_NUMBER = 77_731_000;

let serial = 0;

/** An order of somebody else, of which every value can be told from all others wherever it appears. */
export function secretOrder(partner_id: string | null, created_at: string): PlantOrder {
  serial += 1;
  return plantOrder({
    id: randomUUID().replace(/^.{8}/, MARKED_ID),
    number: `${MARK}-number-${serial}`,
    status: STATUSES[serial % STATUSES.length] ?? 'SUBMITTED',
    partner_id: partner_id && `${MARK}-${partner_id}`,
    created_at,
    customer: `${MARK} customer`,
    product: `${MARK} product`,
    material: `${MARK} material`,
    quantity: MARKED_NUMBER + serial,
    price_minor: MARKED_NUMBER + 500 + serial,
    version: MARKED_NUMBER + 900 + serial,
    currency: 'ZQB',
    file_path: `models/${MARK}-${serial % 7}.stl`,
  });
}

/** Two hours of orders of A, of B and of nobody, in turn; and some of B and of nobody of just now, when A has none. */
export function secretPlant(): { readonly own: PlantOrder[]; readonly secret: PlantOrder[] } {
  const at = (index: number) => new Date(DAY + index * MINUTE).toISOString();
  const own = Array.from({ length: 30 }, (_, index) =>
    plantOrder({
      number: `own-${index}`,
      partner_id: 'partner-a',
      status: STATUSES[index % STATUSES.length] ?? 'SUBMITTED',
      created_at: at(index * 4),
      file_path: index % 3 === 0 ? 'models/own.stl' : null,
    }),
  );
  const secret = Array.from({ length: 60 }, (_, index) => secretOrder(index % 3 === 0 ? null : 'partner-b', at(index * 2)));
  const now = Array.from({ length: 8 }, (_, index) =>
    secretOrder(index % 2 === 0 ? null : 'partner-b', new Date(Date.now() - index * MINUTE).toISOString()),
  );
  return { own, secret: [...secret, ...now] };
}

export function cursorOf({ created_at, id }: PlantOrder): string {
  return encodeCursor({ createdAt: Date.parse(created_at), id });
}

/** What of the secret stands in `text`; opaque words are looked into. */
export function leaksIn(text: string): string[] {
  const opaque = (text.match(/[A-Za-z0-9_-]{20,}/g) ?? []).map((word) => Buffer.from(word, 'base64url').toString('latin1'));
  const secrets = new RegExp(`.{0,30}(${MARK}|${MARKED_ID}|77731\\d{3}|ZQB).{0,30}`, 'gi');
  return [text, ...opaque].flatMap((each) => each.match(secrets) ?? []);
}
