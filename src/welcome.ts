import type { DemoIdentity } from './graphql/landing-page.js';

/** What a person who starts the demo is shown: what to open and what to try. */
export function welcome(url: string, identities: readonly DemoIdentity[]): string {
  const operator = identities[0]?.token ?? '';
  return `
  MES gateway, DEMO: embedded data, tokens for everyone on this machine. Not for production.

  Open  ${url}/graphql   ready operations and tokens, in Sandbox or, without the Internet, the built-in console
        ${url}/readyz    what works and what does not
        ${url}/metrics   outcomes per tier, for Prometheus

  Try   curl -s ${url}/graphql -H 'content-type: application/json' -H 'x-cache-debug: 1' \\
          -H 'authorization: Bearer ${operator}' \\
          -d '{"query":"{ orders(window: 120, first: 3) { totalCount nodes { number status customer } } }"}'

  Tokens (header "Authorization: Bearer <token>"), good for 30 days:
${identities.map(({ label, token }) => `    ${label.padEnd(10)} ${token}`).join('\n')}

  Stop with Ctrl-C; the data stays.
`;
}
