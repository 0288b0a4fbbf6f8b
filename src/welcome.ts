import { encodeFilePath } from './files/path.js';
import type { DemoIdentity } from './graphql/landing-page.js';

/** What a demo offers to a person who starts it. Nothing of it is refused. */
export interface DemoOffer {
  readonly identities: readonly DemoIdentity[];
  /** What opens at `/graphql`: Apollo Sandbox, or for want of introspection the built-in console alone. */
  readonly page: 'sandbox' | 'console' | 'none';
  readonly metricsNeedSecret: boolean;
  /** Of a POST of `/graphql`, JSON. */
  readonly body?: string;
  /** A file that partner A is not to see. */
  readonly fileOfPartnerB?: string;
}

const PAGES = {
  sandbox: 'ready operations and tokens, in Sandbox or, without the Internet, the built-in console',
  console: 'ready operations and tokens, by its button "Built-in console"; Sandbox needs INTROSPECTION=true',
};

/** What a person who starts the demo is shown: what to open and what to try. */
export function welcome(url: string, offer: DemoOffer): string {
  const { page, identities } = offer;
  const places = [
    ...(page === 'none' ? [] : [`${url}/graphql   ${PAGES[page]}`]),
    `${url}/readyz    what works and what does not`,
    `${url}/metrics   outcomes per tier, for Prometheus${offer.metricsNeedSecret ? ', with a secret of METRICS_SECRETS' : ''}`,
  ];
  return `
  MES gateway, DEMO: embedded data, tokens for everyone on this machine. Not for production.

  Open  ${places.join('\n        ')}
${tries(url, offer)
  .map((each) => `\n  Try   ${each}\n`)
  .join('')}
  Tokens (header "Authorization: Bearer <token>"), good for 30 days:
${identities.map(({ label, token }) => `    ${label.padEnd(10)} ${token}`).join('\n')}

  Stop with Ctrl-C; the data stays.
`;
}

function tries(url: string, { body, fileOfPartnerB, identities }: DemoOffer): string[] {
  const bearer = (label: string) =>
    `-H 'authorization: Bearer ${identities.find((identity) => identity.label === label)?.token ?? ''}'`;
  const found: string[] = [];
  if (body !== undefined) {
    found.push(`curl -s ${url}/graphql -H 'content-type: application/json' -H 'x-cache-debug: 1' \\
          ${bearer('Operator')} \\
          -d '${body}'`);
  }
  if (fileOfPartnerB !== undefined) {
    found.push(`curl -s ${url}/files/${encodeFilePath(fileOfPartnerB)} \\
          ${bearer('Partner A')}
        No such file for partner A: only orders of partner B name it.`);
  }
  return found;
}
