import fc from 'fast-check';
import { nameProblem, SNIFFED, sniffProblem } from '../src/files/sniff.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function binaryStl(facets: number, comment = 'made by a test'): Buffer {
  const bytes = Buffer.alloc(84 + 50 * facets, 0x41);
  bytes.fill(0, 0, 80).write(comment);
  bytes.writeUInt32LE(facets, 80);
  return bytes;
}

function glb(length: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.write('glTF');
  bytes.writeUInt32LE(2, 4);
  bytes.writeUInt32LE(length, 8);
  return bytes;
}

/** A file of each format that is known, by the ends of the names that it may have. */
const SAMPLES: Record<string, Buffer> = {
  stl: binaryStl(3),
  'stl ': binaryStl(2, 'solid but binary'),
  'stl  ': latin1('solid ring\n facet normal 0 0 1\n'),
  step: latin1('ISO-10303-21;\nHEADER;\n'),
  stp: latin1('\n ISO-10303-21 ;HEADER;'),
  igs: latin1(`${'part'.padEnd(72)}S      1\n`),
  iges: latin1(`${''.padEnd(72)}S0000001\r\n`),
  obj: latin1('# exported\n\nmtllib ring.mtl\nv 0 0 0\n'),
  'obj ': latin1(`# ${'long comment '.repeat(300)}\n`),
  mtl: latin1('newmtl steel\nKd 1 1 1\n'),
  '3mf': latin1('PK\x03\x04\x14\x00'),
  zip: latin1('PK\x05\x06\x00\x00'),
  glb: glb(20),
  gltf: latin1('  {"asset":{"version":"2.0"}}'),
  json: latin1('[1,2]'),
  ply: latin1('ply\nformat ascii 1.0\n'),
  dxf: latin1('  0\r\nSECTION\r\n  2\r\nHEADER\r\n'),
  'dxf ': latin1('999\ncomment\n0\nSECTION\n'),
  dwg: latin1('AC1032\0\0'),
  pdf: latin1('%PDF-1.7\n'),
  png: latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'),
  jpg: latin1('\xff\xd8\xff\xe0\x00\x10JFIF'),
  jpeg: latin1('\xff\xd8\xff\xdb'),
  webp: latin1('RIFF\x10\x00\x00\x00WEBPVP8 '),
  txt: Buffer.from('Ein Text, кириллица'),
  csv: latin1(''),
};
const problem = (path: string, bytes: Buffer, size = bytes.length) => sniffProblem(path, bytes.subarray(0, SNIFFED), size);

test.each(Object.entries(SAMPLES))('.%s may begin like that', (end, bytes) => {
  expect(problem(`models/part.${end.trim()}`, bytes)).toBeUndefined();
  expect(problem(`models/PART.${end.trim().toUpperCase()}`, bytes)).toBeUndefined();
  expect(problem('models/part.unknown', bytes)).toBeUndefined();
  expect(problem('models/part', bytes)).toBeUndefined();
});

test.each<[path: string, bytes: Buffer, says: string]>([
  [
    'a.stl',
    SAMPLES['pdf']!,
    'A file whose name ends in ".stl" must be a binary STL model or an ASCII STL model, but it looks like a PDF document.',
  ],
  ['a.stl', binaryStl(3).subarray(0, -1), 'it looks like other binary data.'],
  ['a.stl', Buffer.concat([binaryStl(3), Buffer.of(0)]), 'it looks like other binary data.'],
  ['a.stl', Buffer.alloc(0), 'it looks like an empty file.'],
  ['a.stl', latin1('solidity'), 'it looks like text.'],
  ['a.step', SAMPLES['stl']!, 'must be a STEP model, but it looks like a binary STL model.'],
  ['a.glb', glb(21), 'must be a binary glTF model, but it looks like other binary data.'],
  ['a.gltf', SAMPLES['json']!, 'must be JSON text, but it looks like JSON text.'],
  ['a.3mf', SAMPLES['png']!, 'must be a ZIP archive, but it looks like a PNG image.'],
  ['a.png', SAMPLES['jpg']!, 'must be a PNG image, but it looks like a JPEG image.'],
  ['a.obj', latin1('Dear all,\n'), 'must be an OBJ model, but it looks like text.'],
  ['a.obj', SAMPLES['glb']!, 'must be an OBJ model, but it looks like a binary glTF model.'],
  ['a.txt', SAMPLES['zip']!, 'must be text, but it looks like a ZIP archive.'],
])('%s must not begin otherwise', (path, bytes, says) => {
  expect(problem(path, bytes)).toContain(says);
});

test.each<[what: string, bytes: Buffer, says: string]>([
  ['HTML', latin1('\n <!DOCTYPE html><p>'), 'an HTML page'],
  ['HTML without a doctype', latin1('<HTML >'), 'an HTML page'],
  ['a comment', latin1('<!-- x --><script>'), 'an HTML page'],
  ['a tag of HTML', latin1('<body onload=alert(1)>'), 'an HTML page'],
  ['HTML with a mark of UTF-8', latin1('\xef\xbb\xbf<script>'), 'an HTML page'],
  ['HTML in UTF-16', Buffer.from('\ufeff<script>alert(1)</script>', 'utf16le'), 'an HTML page'],
  ['HTML in the other UTF-16', Buffer.from('\ufeff<html>x', 'utf16le').swap16(), 'an HTML page'],
  ['SVG', latin1('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">'), 'an SVG image'],
  ['SVG as XML', latin1('<?xml version="1.0"?>\n<!-- x --><!DOCTYPE svg><svg>'), 'an SVG image'],
  ['SVG with a prefix', latin1('<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg">'), 'an SVG image'],
  ['XHTML', latin1('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">'), 'an HTML page'],
  ['XML with a style', latin1('<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><a/>'), 'an HTML page'],
  ['a shell script', latin1('#!/bin/sh\n'), 'a script'],
  ['PHP', latin1('<?php echo 1;'), 'a script'],
])('%s is refused under any name', (_what, bytes, says) => {
  for (const path of ['a.stl', 'a.txt', 'a.json', 'a.unknown', 'a']) {
    expect(problem(path, bytes)).toBe(`The file must not be a document or script that could run, but it looks like ${says}.`);
  }
});

test('XML that is a model is taken', () => {
  expect(problem('a.dae', latin1('<?xml version="1.0"?><COLLADA version="1.4.1">'))).toBeUndefined();
  expect(problem('a.amf', latin1('<amf unit="millimeter">'))).toBeUndefined();
});

test.each(['a.html', 'a.HTM', 'x/a.svg', 'a.stl.js', 'a.xsl', 'a.sh', 'a.php'])('the name %s is refused', (path) => {
  expect(nameProblem(path)).toMatch(/^Files whose names end in "\.\w+" are not taken/);
});
test.each(['a.stl', 'html', 'a', 'js/a.step', 'a.html.stl'])('the name %s is not', (path) => {
  expect(nameProblem(path)).toBeUndefined();
});

test('any bytes are judged quickly', () => {
  const pieces = fc.constantFrom(
    '<',
    '<!--',
    '-->',
    '<?xml',
    '?>',
    ' ',
    '\n',
    '#',
    '999\n',
    '0\n',
    '\0',
    'v ',
    'solid',
    '/*',
    '*/',
    '<svg',
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: SNIFFED }).map((bytes) => Buffer.from(bytes)),
    fc.array(pieces, { maxLength: 700 }).map((all) => latin1(all.join(''))),
  );
  fc.assert(
    fc.property(body, fc.constantFrom(...Object.keys(SAMPLES), 'x'), (bytes, end) => {
      expect(['string', 'undefined']).toContain(typeof problem(`a.${end.trim()}`, bytes));
    }),
  );
});
