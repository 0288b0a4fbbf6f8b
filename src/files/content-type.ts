import { fileName } from './path.js';

const UNKNOWN = 'application/octet-stream';

/** IANA media types where registered; the 3D formats' own names else. */
const BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ['stl', 'model/stl'],
  ['step', 'model/step'],
  ['stp', 'model/step'],
  ['obj', 'model/obj'],
  ['mtl', 'model/mtl'],
  ['3mf', 'model/3mf'],
  ['gltf', 'model/gltf+json'],
  ['glb', 'model/gltf-binary'],
  ['ply', 'model/ply'],
  ['iges', 'model/iges'],
  ['igs', 'model/iges'],
  ['dxf', 'image/vnd.dxf'],
  ['dwg', 'image/vnd.dwg'],
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['txt', 'text/plain; charset=utf-8'],
  ['csv', 'text/csv; charset=utf-8'],
  ['json', 'application/json'],
  ['zip', 'application/zip'],
]);

/** What stores say when they were told nothing. */
const UNSPECIFIC: ReadonlySet<string> = new Set([UNKNOWN, 'binary/octet-stream', 'application/x-www-form-urlencoded']);

/** Types that a browser runs as a document of the gateway's origin: a part's file must never be one. */
const ACTIVE = /^(text\/html|[^;]*\/([^;]*\+)?xml|application\/xhtml|text\/xsl|[^;]*(java|ecma)script)/;

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;[\x20-\x7e]*)?$/;

/** Types that open in the browser's own viewer and cannot run anything in the gateway's origin. */
const INLINE: ReadonlySet<string> = new Set(['application/pdf', 'image/png', 'image/jpeg', 'image/webp']);

/**
 * The type to send a file as: the store's if it says something specific, else by the name's extension. What a browser
 * would run (HTML, SVG and other XML, scripts) becomes `application/octet-stream`.
 *
 * @param said the store's `Content-Type`, if it has one; anything that is no media type is ignored
 */
export function contentTypeOf(path: string, said?: string): string {
  const stated = said?.trim().toLowerCase() ?? '';
  const specific = MEDIA_TYPE.test(stated) && !UNSPECIFIC.has(essence(stated));
  const type = specific ? stated : (BY_EXTENSION.get(fileExtension(path)) ?? UNKNOWN);
  return ACTIVE.test(type) ? UNKNOWN : type;
}

/** Types whose bytes are not compressed yet. Of the binary ones those that shrink: PLY and IGES may be text as well. */
const COMPRESSIBLE: ReadonlySet<string> = new Set([
  'model/stl',
  'model/step',
  'model/obj',
  'model/mtl',
  'model/gltf+json',
  'model/ply',
  'model/iges',
  'image/vnd.dxf',
  'application/json',
]);

/** Whether a file of this type is likely to shrink. */
export function isCompressible(contentType: string): boolean {
  const type = essence(contentType);
  return COMPRESSIBLE.has(type) || type.startsWith('text/');
}

/** Whether a browser may show the file instead of saving it. */
export function opensInline(contentType: string): boolean {
  return INLINE.has(essence(contentType));
}

/**
 * How bytes are encoded, from what the store says of them. `aws-chunked` is of an upload's transfer and no coding; some
 * stores keep it. `undefined`: they are as they are.
 *
 * @param said the store's `Content-Encoding`, if it has one; what cannot be a list of codings is ignored
 */
export function contentEncodingOf(said: string | undefined): string | undefined {
  const codings = (said ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  const kept = codings.filter((coding) => coding !== '' && coding !== 'aws-chunked' && coding !== 'identity');
  return kept.length > 0 && kept.every((coding) => /^[\w!#$&^.+-]+$/.test(coding)) ? kept.join(', ') : undefined;
}

function essence(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim();
}

/** `stl` of `models/ring-17.STL`; empty if the name has none. */
export function fileExtension(path: string): string {
  return /\.([^.]+)$/.exec(fileName(path))?.[1]?.toLowerCase() ?? '';
}
