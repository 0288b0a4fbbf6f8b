import type { Example } from '../examples.js';

/** A ready token of the demo, offered on the page. */
export interface DemoIdentity {
  readonly label: string;
  readonly token: string;
}

/** What the page's script is given, as JSON. */
export interface PageSettings {
  readonly sandboxScript: string;
  readonly examples: readonly Example[];
  readonly headers: Readonly<Record<string, string>>;
  readonly identities: readonly DemoIdentity[];
}

/** `value` as JSON that can stand inside an HTML `<script>`: nothing in it can end the element or a line of script. */
export function jsonForHtml(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
