import type { Bytes } from '../units.js';
import { fileExtension } from './content-type.js';

/** How much of a file's beginning is looked at. */
export const SNIFFED: Bytes = 2048;

interface Format {
  readonly name: string;
  readonly extensions: readonly string[];
  /** `head`: the first bytes, all of a shorter file. */
  readonly fits: (head: Buffer, size: Bytes) => boolean;
}

const STL_HEADER: Bytes = 84;
const STL_FACET: Bytes = 50;

/** Comments, then a statement of the format; a comment may be longer than what is looked at. */
const OBJ =
  /^(?=[^]*\S)(\s|#[^\n]*(\n|$))*((vn?|vt|vp|[flpogs]|mg|mtllib|usemtl|maplib|usemap|cstype|deg|bmat|step|call|csh|lod|bevel)\s|$)/;

/** The formats that are known, those that are told most surely first. */
const FORMATS: readonly Format[] = [
  { name: 'a PNG image', extensions: ['png'], fits: startsWith('\x89PNG\r\n\x1a\n') },
  { name: 'a JPEG image', extensions: ['jpg', 'jpeg'], fits: startsWith('\xff\xd8\xff') },
  { name: 'a WebP image', extensions: ['webp'], fits: matches(/^RIFF[^]{4}WEBP/) },
  { name: 'a PDF document', extensions: ['pdf'], fits: matches(/^[^]{0,1019}%PDF-/) },
  { name: 'a binary glTF model', extensions: ['glb'], fits: isGlb },
  { name: 'a ZIP archive', extensions: ['zip', '3mf'], fits: matches(/^PK(\x03\x04|\x05\x06|\x07\x08)/) },
  { name: 'an AutoCAD drawing', extensions: ['dwg'], fits: matches(/^AC1\d{3}/) },
  { name: 'a PLY model', extensions: ['ply'], fits: matches(/^ply\r?\n/) },
  { name: 'a STEP model', extensions: ['step', 'stp'], fits: matches(/^(\xef\xbb\xbf)?\s*ISO-10303-21\s*;/) },
  { name: 'an IGES model', extensions: ['iges', 'igs'], fits: matches(/^[^\r\n]{72}[SCB][ \d]{6}\d/) },
  { name: 'a binary STL model', extensions: ['stl'], fits: isBinaryStl },
  { name: 'an ASCII STL model', extensions: ['stl'], fits: asText(/^\s*solid(\s|$)/) },
  { name: 'a DXF drawing', extensions: ['dxf'], fits: matches(/^( *999\r?\n[^\n]*\n)* *0\r?\nSECTION\s|^AutoCAD Binary DXF/) },
  { name: 'JSON text', extensions: ['gltf'], fits: asText(/^\s*\{/) },
  { name: 'JSON text', extensions: ['json'], fits: asText(/^\s*(["[{\d-]|true|false|null)/) },
  { name: 'an OBJ model', extensions: ['obj'], fits: asText(OBJ) },
  { name: 'text', extensions: ['mtl', 'txt', 'csv'], fits: asText(/^/) },
];

/** Names under which a browser, or the system of whoever saves the file, runs what is in it. */
const ACTIVE_EXTENSIONS: ReadonlySet<string> = new Set(
  'htm html xht xhtml shtml mht mhtml hta svg svgz xsl xslt js mjs cjs jse vbs vbe wsf wsh php sh bash bat cmd ps1 psm1'.split(
    ' ',
  ),
);

/** How HTML begins by WHATWG's MIME Sniffing §7.1, and what else a browser or a server would run. */
const ACTIVE_START =
  /^<(!doctype (html|svg)|!--|(html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|svg)[\s>/]|\w+:(svg|html|script)[\s>]|\?php|\?=)|^#!/i;
/** Inside XML, which may be a model (COLLADA, AMF) as well. */
const ACTIVE_XML = /<(\w+:)?(svg|html|script|stylesheet)[\s>/]|<\?xml-stylesheet|www\.w3\.org\/(1999\/xhtml|2000\/svg)/i;

/**
 * Why bytes that begin like this may not be kept under this name; `undefined` if they may. A name whose extension is not known
 * may hold anything but what a browser or a shell would run.
 *
 * @param head the first `SNIFFED` bytes, all of a shorter file
 */
export function sniffProblem(path: string, head: Buffer, size: Bytes): string | undefined {
  const active = activeContent(head);
  if (active) return `The file must not be a document or script that could run, but it looks like ${active}.`;
  const extension = fileExtension(path);
  const expected = FORMATS.filter(({ extensions }) => extensions.includes(extension));
  if (expected.length === 0 || expected.some(({ fits }) => fits(head, size))) return undefined;
  const names = expected.map(({ name }) => name).join(' or ');
  return `A file whose name ends in ".${extension}" must be ${names}, but it looks like ${described(head, size)}.`;
}

/** The same of the name alone. */
export function nameProblem(path: string): string | undefined {
  const extension = fileExtension(path);
  if (!ACTIVE_EXTENSIONS.has(extension)) return undefined;
  return `Files whose names end in ".${extension}" are not taken: browsers or shells run them.`;
}

function activeContent(head: Buffer): string | undefined {
  const text = textOf(head).trimStart();
  if (!ACTIVE_START.test(text) && !(/^<\?xml/i.test(text) && ACTIVE_XML.test(text))) return undefined;
  if (!text.startsWith('<') || /^<\?(php|=)/i.test(text)) return 'a script';
  return /<(!doctype |\w+:)?svg/i.test(text) && !/<html/i.test(text) ? 'an SVG image' : 'an HTML page';
}

function described(head: Buffer, size: Bytes): string {
  if (size === 0) return 'an empty file';
  const found = FORMATS.find(({ fits, extensions }) => !extensions.includes('obj') && fits(head, size));
  return found?.name ?? 'other binary data';
}

/** As text, whichever way it was marked to be read; without the mark. */
function textOf(head: Buffer): string {
  if (head.subarray(0, 2).equals(Buffer.from('\xff\xfe', 'latin1'))) return head.subarray(2).toString('utf16le');
  if (head.subarray(0, 2).equals(Buffer.from('\xfe\xff', 'latin1'))) {
    return Buffer.from(head.subarray(2, head.length & ~1))
      .swap16()
      .toString('utf16le');
  }
  return head.toString('latin1').replace(/^\xef\xbb\xbf/, '');
}

function startsWith(text: string): Format['fits'] {
  const magic = Buffer.from(text, 'latin1');
  return (head) => head.subarray(0, magic.length).equals(magic);
}

function matches(pattern: RegExp): Format['fits'] {
  return (head) => pattern.test(head.toString('latin1'));
}

function asText(pattern: RegExp): Format['fits'] {
  return (head) => {
    const text = textOf(head);
    return !/[\0-\x08\x0e-\x1a]/.test(text) && pattern.test(text);
  };
}

/** Its length follows from the number of its facets, which tells it from an ASCII one even if its comment begins with "solid". */
function isBinaryStl(head: Buffer, size: Bytes): boolean {
  return head.length >= STL_HEADER && size === STL_HEADER + STL_FACET * head.readUInt32LE(STL_HEADER - 4);
}

/** glTF 2.0 §4.4.2: magic, version, and the length of the whole. */
function isGlb(head: Buffer, size: Bytes): boolean {
  return head.length >= 12 && head.toString('latin1', 0, 4) === 'glTF' && head.readUInt32LE(8) === size;
}
