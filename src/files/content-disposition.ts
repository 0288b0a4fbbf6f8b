/**
 * A `Content-Disposition` value: a name that every client can read, and the exact one for those that know RFC 8187.
 * Source: RFC 6266 §4.3 and appendix D, RFC 8187 §3.2.
 *
 * @param name a file name without folders; any Unicode
 */
export function contentDisposition(type: 'attachment' | 'inline', name: string): string {
  // Some browsers decode %XX in the plain form as well, so a percent sign counts as special.
  const fallback = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  const plain = `${type}; filename="${fallback}"`;
  return fallback === name ? plain : `${plain}; filename*=UTF-8''${extendedValue(name)}`;
}

function extendedValue(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
