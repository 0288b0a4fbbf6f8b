/** Who asks. Made from a verified token by the HTTP layer; `anonymous`: the request carried none. */
export type Viewer =
  | ({ readonly role: 'operator' } & Person)
  | ({ readonly role: 'service' } & Person)
  | ({ readonly role: 'partner'; readonly partnerId: string } & Person)
  | { readonly role: 'anonymous' };

interface Person {
  readonly subject: string;
  /** May read what the role may read, and change nothing. */
  readonly readOnly?: true;
}

/** Viewers of one scope may see the same, so they may be given each other's answers. Different scopes never share a text. */
export function scopeOf(viewer: Viewer): string {
  return viewer.role === 'partner' ? `partner:${viewer.partnerId}` : viewer.role;
}

export type Role = Viewer['role'];
