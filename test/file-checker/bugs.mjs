/**
 * For `node --import`: breaks the compiled gateway on purpose, by the name in CHECKER_BUG. The product has no switch for
 * any of this; each bug takes the place of a method, or of a piece of a module.
 */
import { register } from 'node:module';
import { S3Client } from '@aws-sdk/client-s3';
import { RENEWAL_BUGS, replace } from '../checker/planted.mjs';

const BUGS = {
  ...RENEWAL_BUGS,

  /** Bytes are asked of the store without If-Match, and whatever comes is taken for the version that was wanted. */
  'any-version': () =>
    replace(
      S3Client,
      'send',
      (send) =>
        async function (command, ...rest) {
          const { IfMatch } = command.input;
          if (IfMatch === undefined || command.constructor.name !== 'GetObjectCommand') return send.call(this, command, ...rest);
          delete command.input.IfMatch;
          return { ...(await send.call(this, command, ...rest)), ETag: IfMatch };
        },
    ),

  /** Whatever is on disk is taken for what was written there. */
  'no-checksum': async () => {
    const { SLICE } = await import('../../dist/files/disk/layout.js');
    const { SliceFile } = await import('../../dist/files/disk/slice-file.js');
    replace(
      SliceFile,
      'read',
      () =>
        async function (first, count) {
          let wanted = 0;
          while (wanted < count && this.has(first + wanted)) wanted += 1;
          const bytes = Buffer.alloc(Math.min((first + wanted) * SLICE, this.version.size) - first * SLICE);
          return bytes.subarray(0, await this.fill(bytes, this.data + first * SLICE));
        },
    );
  },

  /** Slices are kept by path alone, whatever version they are of. */
  'one-file-per-path': () =>
    edit('dist/files/disk/layout.js', [
      ['`${path}\\0${etag}`', 'path'],
      ['JSON.stringify({ path, etag, size })', 'JSON.stringify({ path })'],
    ]),
};

/** Replaces texts in a module when it is loaded; each must be there. */
function edit(file, edits) {
  register('./edits.mjs', { parentURL: import.meta.url, data: { file, edits } });
}

const name = process.env.CHECKER_BUG;
if (name) {
  if (!BUGS[name]) throw new Error(`CHECKER_BUG must be one of ${Object.keys(BUGS).join(', ')}, but got: ${name}`);
  await BUGS[name]();
}
