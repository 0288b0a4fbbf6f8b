import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/**
 * Of the texts of all documents that one store keeps. Parsed, a document takes some 75 bytes of memory for a character of its
 * text, so this is some 8 MiB. Apollo's own store counts documents as JSON, which has no tokens, and becomes many times as large.
 */
const KEPT_CHARACTERS = 100_000;

/** Documents that were found valid, parsed: those that were used last. A stranger may send a new one each time. */
export class DocumentStore {
  private readonly documents: LRUCache<string, DocumentNode>;

  constructor(keptCharacters = KEPT_CHARACTERS) {
    this.documents = new LRUCache({ maxSize: keptCharacters, sizeCalculation: ({ loc }) => (loc?.end ?? 0) + 1 });
  }

  /** The same object each time, while it is kept. */
  find(key: string): DocumentNode | undefined {
    return this.documents.get(key);
  }

  keep(key: string, document: DocumentNode): void {
    this.documents.set(key, document);
  }

  /** For Apollo. */
  readonly cache = {
    get: (key: string): Promise<DocumentNode | undefined> => Promise.resolve(this.find(key)),
    set: (key: string, document: DocumentNode): Promise<void> => Promise.resolve(this.keep(key, document)),
    delete: (key: string): Promise<boolean> => Promise.resolve(this.documents.delete(key)),
  };
}
