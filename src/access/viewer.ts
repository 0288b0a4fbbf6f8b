/** Who asks. Made from a verified token by the HTTP layer; `anonymous`: the request carried none. */
export type Viewer =
  | { readonly role: 'operator'; readonly subject: string }
  | { readonly role: 'service'; readonly subject: string }
  | { readonly role: 'partner'; readonly subject: string; readonly partnerId: string }
  | { readonly role: 'anonymous' };

/** Viewers of one scope may see the same, so they may be given each other's answers. Different scopes never share a text. */
export function scopeOf(viewer: Viewer): string {
  return viewer.role === 'partner' ? `partner:${viewer.partnerId}` : viewer.role;
}

export type Role = Viewer['role'];
