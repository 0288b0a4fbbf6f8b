/** Who asks. Made from a verified token by the HTTP layer; `anonymous`: the request carried none. */
export type Viewer =
  | { readonly role: 'operator'; readonly subject: string }
  | { readonly role: 'service'; readonly subject: string }
  | { readonly role: 'partner'; readonly subject: string; readonly partnerId: string }
  | { readonly role: 'anonymous' };

export type Role = Viewer['role'];
