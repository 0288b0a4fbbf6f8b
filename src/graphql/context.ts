import type { DocumentNode } from 'graphql';
import type { ViewerCommands } from '../changes/commands.js';
import type { AuditReads } from '../loaders/audit-reads.js';
import type { FileUrls } from '../files/urls.js';
import type { ViewerEvents } from '../live/live-orders.js';
import type { FileReads } from '../loaders/file-reads.js';
import type { OrderReads } from '../loaders/order-reads.js';
import type { OperationEnd } from './operation-end.js';

/** Whole answers to this viewer's queries. `variables` is the JSON text of what execution gets, defaults and all. */
export interface AnswersOfViewer {
  /** The body that this request would be answered with, if that is known without executing it. */
  readonly find: (document: DocumentNode, variables: string) => Promise<string | undefined>;
  /** To be called when an answer was made without errors. */
  readonly keep: (document: DocumentNode, variables: string, body: string) => Promise<void>;
}

/** What an operator reads of an operation. */
export interface OperationNote {
  /** Kind and name. */
  readonly operation?: string;
  /** The codes of its errors, each once. */
  readonly errors?: readonly string[];
}

/** What the resolvers of one request work with. */
export interface Context {
  readonly orders: OrderReads;
  readonly files: FileReads;
  readonly audit: AuditReads;
  readonly commands: ViewerCommands;
  readonly events: ViewerEvents;
  readonly urls: FileUrls;
  readonly answers: AnswersOfViewer;
  /** What goes into `extensions.cache` of the answer, if the caller asked for it or has to know. */
  readonly cacheReport: () => object | undefined;
  /** Logs an error that the caller gets no details of. */
  readonly logError: (error: unknown) => void;
  /** Adds to the request's line in the log. */
  readonly note: (note: OperationNote) => void;
  /** Whether the caller wants to know what its operation cost. */
  readonly debug: boolean;
  /** Ends the operation early. */
  readonly end: OperationEnd;
}
