import { createHash } from 'node:crypto';
import type { ApolloServerPlugin } from '@apollo/server';
import type { Example } from './examples.js';
import { pageHtml } from './landing-page/html.js';
import { SCRIPT } from './landing-page/script.js';
import type { DemoIdentity } from './landing-page/settings.js';
import { STYLE } from './landing-page/style.js';

export type { DemoIdentity };

const SANDBOX_CDN = 'https://embeddable-sandbox.cdn.apollographql.com';
const SANDBOX_FRAME = 'https://sandbox.embed.apollographql.com';

export interface LandingPageOptions {
  /** Asked for each time the page is opened, so that their dates fit. */
  readonly examples: () => readonly Example[];
  /** Headers that an operation starts with; a visitor can change them. No secrets: Sandbox gets them in its URL. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Demo only: ready tokens, the first one chosen. They stand in the page for everyone who can open it. */
  readonly demo?: readonly DemoIdentity[];
}

/**
 * What a browser's GET of the endpoint shows: Apollo Sandbox, or a plain console of our own where Apollo's CDN cannot be
 * reached. The response has to carry `landingPageCsp()`.
 */
export function landingPage(options: LandingPageOptions): ApolloServerPlugin {
  const html = async () =>
    pageHtml({
      sandboxScript: `${SANDBOX_CDN}/_latest/embeddable-sandbox.umd.production.min.js`,
      examples: options.examples(),
      headers: options.headers ?? {},
      identities: options.demo ?? [],
    });
  return {
    serverWillStart: async () => ({ renderLandingPage: async () => ({ html }) }),
  };
}

/** The `Content-Security-Policy` of the landing page: the page's own script and style by hash, Apollo Sandbox, nothing else. */
export function landingPageCsp(): string {
  return [
    "default-src 'none'",
    `script-src ${hashSource(SCRIPT)} ${SANDBOX_CDN}`,
    `style-src ${hashSource(STYLE)}`,
    `frame-src ${SANDBOX_FRAME}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
