import { ApolloServerErrorCode } from '@apollo/server/errors';
import { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { operationId, type Manifest } from './manifest.js';

/** Texts of operations that clients registered: as many as have this many characters together. */
const REGISTERED_CHARACTERS = 4_000_000;
/** What Apollo puts before each hash. */
const PREFIX = 'apq:';

/** An operation by its text, by its hash, or by both. */
export interface SentOperation {
  readonly query?: string | undefined;
  /** `extensions.persistedQuery.sha256Hash` */
  readonly hash?: string | undefined;
}

/** What is taken for an operation. */
export interface TrustOptions {
  /** Operations that are known from the start, by their ids. */
  readonly manifest?: Manifest | undefined;
  /** Nothing but what the manifest has. */
  readonly only: boolean;
}

/**
 * Operations that can be asked for by their hash: those of the manifest, and what clients registered by the protocol of automatic
 * persisted queries, bounded in memory. A hash says nothing about who may use it: it stands for a text that is public.
 */
export class PersistedOperations {
  private readonly trusted: ReadonlyMap<string, string>;
  private readonly bodies: ReadonlySet<string>;
  private readonly registered = new LRUCache<string, string>({
    maxSize: REGISTERED_CHARACTERS,
    sizeCalculation: (text) => text.length + 1,
  });

  constructor(private readonly options: TrustOptions) {
    const operations = options.manifest?.operations ?? [];
    this.trusted = new Map(operations.map(({ id, body }) => [id, body]));
    this.bodies = new Set(this.trusted.values());
  }

  /** For Apollo, which keeps to the protocol over HTTP. */
  readonly cache = {
    get: (key: string): Promise<string | undefined> => Promise.resolve(this.textOf(key.slice(PREFIX.length))),
    set: (key: string, text: string): Promise<void> => Promise.resolve(this.register(key.slice(PREFIX.length), text)),
    delete: (): Promise<boolean> => Promise.resolve(false),
  };

  /** Refuses a text that is not trusted, where nothing else is taken. @throws GraphQLError */
  check(text: string): void {
    if (this.options.only && !this.bodies.has(text)) throw untrusted();
  }

  /** The text of an operation that did not come by HTTP. @throws GraphQLError */
  resolve({ query, hash }: SentOperation): string {
    if (hash === undefined) return query ?? '';
    if (query === undefined || query === '') {
      const text = this.textOf(hash);
      if (text === undefined) throw refusal('PersistedQueryNotFound', ApolloServerErrorCode.PERSISTED_QUERY_NOT_FOUND);
      return text;
    }
    if (operationId(query) !== hash) throw refusal('provided sha does not match query', ApolloServerErrorCode.BAD_REQUEST);
    return query;
  }

  /** @param hash of `text`, which is valid */
  register(hash: string, text: string): void {
    if (!this.options.only) this.registered.set(hash, text);
  }

  private textOf(hash: string): string | undefined {
    return this.trusted.get(hash) ?? this.registered.get(hash);
  }
}

/** What a client says of a persisted operation; Apollo takes for granted that it is well formed. @throws GraphQLError */
export function checkPersistedQuery(said: unknown): void {
  if (said === undefined || said === null) return;
  const hash: unknown = typeof said === 'object' ? (said as { sha256Hash?: unknown }).sha256Hash : undefined;
  if (typeof hash === 'string') return;
  const message =
    '"extensions.persistedQuery" must be an object with "version" 1 and "sha256Hash", the SHA-256 of the operation in hexadecimal digits.';
  throw refusal(message, ApolloServerErrorCode.BAD_USER_INPUT);
}

function untrusted(): GraphQLError {
  const message =
    'This gateway takes only operations that it knows beforehand, and this is none of them; send an operation of its list, by its id.';
  return refusal(message, ApolloServerErrorCode.PERSISTED_QUERY_NOT_FOUND);
}

function refusal(message: string, code: ApolloServerErrorCode): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}
