import { orders } from './001-orders.js';
import { outbox } from './002-outbox.js';
import { audit } from './003-audit.js';
import type { Migration } from './migration.js';

/** All versions of the schema, oldest first. A new one goes into a file of its own (`003-….ts`) and to the end of this list. */
export const MIGRATIONS: readonly Migration[] = [orders, outbox, audit];
