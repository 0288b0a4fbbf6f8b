import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KIB, type Bytes } from '../units.js';

/** Below it the work is more than the saving. */
const WORTH: Bytes = 2 * KIB;
/** Of signed URLs, the gateway's own and the store's: whoever has one reads the file. */
const SIGNATURES = ['signature=', 'X-Amz-Signature='];

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);

const CODERS = {
  br: (body: string) => brotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (body: string) => deflate(body, { level: 4 }),
};

/**
 * The answer, compressed if the client takes that and it holds no secret. BREACH (Gluck, Harris, Prado 2013) guesses a secret
 * by the length of compressed answers that also hold what the attacker chose; the only secrets in answers are the
 * signatures of URLs, so an answer with one is sent as it is.
 */
export async function compressed(request: FastifyRequest, reply: FastifyReply, body: unknown): Promise<unknown> {
  if (typeof body !== 'string' || body.length < WORTH || !isJson(reply)) return body;
  addVary(reply);
  const coding = codingFor(request.headers['accept-encoding']);
  if (!coding || SIGNATURES.some((signature) => body.includes(signature))) return body;
  const coded = await CODERS[coding](body);
  void reply.header('content-encoding', coding).header('content-length', coded.length);
  return coded;
}

function isJson(reply: FastifyReply): boolean {
  return /^application\/([\w-]+\+)?json/.test(String(reply.getHeader('content-type')));
}

function addVary(reply: FastifyReply): void {
  const vary = reply.getHeader('vary');
  void reply.header('vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`);
}

/** The first of ours that is named and not refused by `q=0`. */
function codingFor(header: string | string[] | undefined): keyof typeof CODERS | undefined {
  const accepted = String(header ?? '')
    .toLowerCase()
    .split(',')
    .filter((each) => !/;\s*q=0(\.0*)?\s*$/.test(each))
    .map((each) => each.split(';', 1)[0]?.trim());
  return (['br', 'gzip'] as const).find((coding) => accepted.includes(coding));
}
