import { contentDisposition } from '../src/files/content-disposition.js';
import { contentTypeOf, opensInline } from '../src/files/content-type.js';
import { cacheStatus } from '../src/http/file-answer.js';

test.each([
  ['ring-17.stl', 'attachment; filename="ring-17.stl"'],
  ['a b;c.stl', 'attachment; filename="a b;c.stl"'],
  ['кольцо.stl', `attachment; filename="______.stl"; filename*=UTF-8''%D0%BA%D0%BE%D0%BB%D1%8C%D1%86%D0%BE.stl`],
  ['a"b\\c.stl', `attachment; filename="a_b_c.stl"; filename*=UTF-8''a%22b%5Cc.stl`],
  ['100%41.stl', `attachment; filename="100_41.stl"; filename*=UTF-8''100%2541.stl`],
  [`😀'(*).stl`, `attachment; filename="_'(*).stl"; filename*=UTF-8''%F0%9F%98%80%27%28%2A%29.stl`],
])('Content-Disposition of %s', (name, expected) => expect(contentDisposition('attachment', name)).toBe(expected));

test.each([
  ['a.STL', undefined, 'model/stl'],
  ['a.stp', 'application/octet-stream', 'model/step'],
  ['a.glb', 'binary/octet-stream', 'model/gltf-binary'],
  ['a.stl', 'Model/X.STL-binary', 'model/x.stl-binary'],
  ['a.stl', 'evil\r\nx: y', 'model/stl'],
  ['a.stl', '', 'model/stl'],
  ['a', undefined, 'application/octet-stream'],
  ['a.stl/b', undefined, 'application/octet-stream'],
  ['a.svg', undefined, 'application/octet-stream'],
  ['a.html', undefined, 'application/octet-stream'],
  ['a.png', 'image/svg+xml', 'application/octet-stream'],
  ['a.png', 'text/html; charset=utf-8', 'application/octet-stream'],
  ['a.js', 'text/javascript', 'application/octet-stream'],
])('content type of %s, said to be %s', (path, said, expected) => expect(contentTypeOf(path, said)).toBe(expected));

test('only what cannot run in the page opens inline', () => {
  expect(opensInline('application/pdf')).toBe(true);
  expect(opensInline('text/plain; charset=utf-8')).toBe(false);
  expect(opensInline('model/stl')).toBe(false);
});

test.each([
  ['hit-memory', undefined, 'mes-gateway; hit; detail=hit-memory'],
  ['hit-store', 41.7, 'mes-gateway; hit; ttl=41; detail=hit-store'],
  ['filled', 60, 'mes-gateway; fwd=miss; stored; ttl=60; detail=filled'],
  ['joined', undefined, 'mes-gateway; fwd=miss; collapsed; detail=joined'],
  ['bypassed', undefined, 'mes-gateway; fwd=bypass; detail=bypassed'],
  ['something-new', undefined, 'mes-gateway; fwd=miss; detail=something-new'],
  ['not a token"', undefined, 'mes-gateway; fwd=miss'],
])('Cache-Status of %s', (outcome, ttl, expected) => expect(cacheStatus(outcome, ttl)).toBe(expected));
