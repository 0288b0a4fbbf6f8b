import { jsonForHtml, type PageSettings } from './settings.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/** The whole page. Everything that varies is in one block of JSON; the markup, style and script are constants. */
export function pageHtml(settings: PageSettings): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>MES gateway · GraphQL</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
${BAR}
${CONSOLE}
<section id="sandbox" class="sandbox" aria-label="Apollo Sandbox" hidden></section>
<noscript><p class="note">This page needs JavaScript. The API itself is at this address: send it a POST with JSON.</p></noscript>
<script type="application/json" id="settings">${jsonForHtml(settings)}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

const BAR = `<header class="bar">
  <h1>MES gateway <span>GraphQL</span></h1>
  <label class="grow">Operation <select id="operation"></select></label>
  <div id="identity" class="group" role="group" aria-label="Who asks" hidden>
    <mark>DEMO: no authentication</mark>
    <label>Ask as <select id="who"></select></label>
    <button type="button" id="copy">Copy token</button>
  </div>
  <button type="button" id="view">Apollo Sandbox</button>
  <p id="notice" class="notice" role="status"></p>
</header>`;

const CONSOLE = `<main id="console" class="console" hidden>
  <form id="request" class="request">
    <div class="field tall">
      <label for="document">Query</label>
      <textarea id="document" spellcheck="false" autocomplete="off" autocapitalize="off"></textarea>
    </div>
    <div class="pair">
      <div class="field">
        <label for="variables">Variables <small>JSON</small></label>
        <textarea id="variables" spellcheck="false" autocomplete="off" aria-describedby="problem"></textarea>
      </div>
      <div class="field">
        <label for="headers">Headers <small>JSON</small></label>
        <textarea id="headers" spellcheck="false" autocomplete="off" aria-describedby="problem"></textarea>
      </div>
    </div>
    <div class="actions">
      <button type="submit" id="run" class="primary">Run</button>
      <button type="button" id="stop" hidden>Stop</button>
      <small><kbd>Ctrl</kbd> + <kbd>Enter</kbd></small>
      <p id="problem" class="problem" role="alert"></p>
    </div>
  </form>
  <section class="answer" aria-labelledby="answer-title">
    <div class="answer-head">
      <h2 id="answer-title">Answer</h2>
      <p id="outcome" role="status"></p>
    </div>
    <pre id="answer" tabindex="0" aria-labelledby="answer-title">Choose an operation and press Run.</pre>
  </section>
</main>`;
