import type { ViewerCommands } from '../changes/commands.js';
import type { FileUrls } from '../files/urls.js';
import type { ViewerEvents } from '../live/live-orders.js';
import type { FileReads } from '../loaders/file-reads.js';
import type { OrderReads } from '../loaders/order-reads.js';

/** What the resolvers of one request work with. */
export interface Context {
  readonly orders: OrderReads;
  readonly files: FileReads;
  readonly commands: ViewerCommands;
  readonly events: ViewerEvents;
  readonly urls: FileUrls;
  /** What goes into `extensions.cache` of the answer, if the caller asked for it or has to know. */
  readonly cacheReport: () => object | undefined;
  /** Logs an error that the caller gets no details of. */
  readonly logError: (error: unknown) => void;
  /** Tells the request's log line which operation this was. */
  readonly named: (operation: string) => void;
}
