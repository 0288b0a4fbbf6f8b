/**
 * The page's script, for the browser as it stands (a constant, so that its hash is one). Apollo Sandbox comes from
 * Apollo's CDN; where that cannot be reached, as in many plants, the console that is part of the page takes over.
 */
export const SCRIPT = `
'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const settings = JSON.parse(byId('settings').textContent);
  const endpoint = location.origin + location.pathname;
  const example = () => settings.examples[byId('operation').selectedIndex] ?? { document: '' };
  const identity = () => settings.identities[byId('who').selectedIndex];
  const authorization = () => (identity() ? { Authorization: 'Bearer ' + identity().token } : {});
  const pretty = (value) => JSON.stringify(value, null, 2);
  const say = (text) => { byId('notice').textContent = text; };
  const isSubscription = (text) => /^[\\s,]*subscription\\b/.test(text.replace(/#[^\\n]*/g, ''));
  const EVENTS_SHOWN = 200;
  let sandbox;
  let stopEvents = () => {};
  let view = 'loading';

  function fill(select, names) {
    select.replaceChildren(...names.map((name) => new Option(name)));
  }

  // -- Apollo Sandbox

  function loadSandbox() {
    return new Promise((resolve, reject) => {
      if (window.EmbeddedSandbox) return resolve();
      const script = document.createElement('script');
      const timer = setTimeout(() => reject(new Error('no answer')), 4000);
      script.onload = () => { clearTimeout(timer); resolve(); };
      script.onerror = () => { clearTimeout(timer); script.remove(); reject(new Error('not reachable')); };
      script.src = settings.sandboxScript;
      document.head.append(script);
    });
  }

  // The token is added to each request here and not in the Sandbox, so that a change of identity loses no edits.
  function sendForSandbox(url, request) {
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(authorization())) if (!headers.has(name)) headers.set(name, value);
    return fetch(url, { ...request, headers });
  }

  function mountSandbox() {
    sandbox?.dispose();
    byId('sandbox').replaceChildren();
    sandbox = new window.EmbeddedSandbox({
      target: byId('sandbox'),
      initialEndpoint: endpoint,
      initialSubscriptionEndpoint: endpoint.replace(/^http/, 'ws'),
      endpointIsEditable: false,
      runTelemetry: false,
      allowDynamicStyles: false,
      handleRequest: sendForSandbox,
      initialState: {
        document: example().document,
        variables: example().variables ?? {},
        headers: settings.headers,
        includeCookies: false,
        pollForSchemaUpdates: false,
      },
    });
  }

  async function showSandbox() {
    show('loading');
    say('Loading Apollo Sandbox …');
    try {
      await loadSandbox();
      if (view !== 'loading') return;
      mountSandbox();
      show('sandbox');
      say('');
    } catch {
      if (view !== 'loading') return;
      showConsole();
      say('Apollo Sandbox could not be loaded, perhaps because this network has no internet access. This console needs none.');
    }
  }

  // -- The page's own console

  function showConsole() {
    show('console');
    say('');
  }

  function fillRequest() {
    byId('document').value = example().document;
    byId('variables').value = pretty(example().variables ?? {});
  }

  function fillHeaders() {
    byId('headers').value = pretty({ ...settings.headers, ...authorization() });
  }

  function readJson(id, name) {
    const text = byId(id).value.trim();
    try {
      return text === '' ? {} : JSON.parse(text);
    } catch (error) {
      byId(id).focus();
      throw new Error(name + ' must be JSON: ' + error.message);
    }
  }

  async function run() {
    stopEvents();
    byId('problem').textContent = '';
    try {
      const headers = { ...readJson('headers', 'Headers'), 'Content-Type': 'application/json' };
      const body = JSON.stringify({ query: byId('document').value, variables: readJson('variables', 'Variables') });
      if (isSubscription(byId('document').value)) return await runForEvents({ ...headers, Accept: 'text/event-stream' }, body);
      byId('run').disabled = true;
      const started = performance.now();
      const response = await fetch(endpoint, { method: 'POST', headers, body, credentials: 'omit' });
      showAnswer(response, await response.text(), performance.now() - started);
    } catch (error) {
      byId('problem').textContent = error instanceof TypeError ? 'The gateway cannot be reached.' : error.message;
    } finally {
      byId('run').disabled = false;
    }
  }

  // Server-sent events; EventSource cannot send a token, so they are read from a fetch.
  async function runForEvents(headers, body) {
    const control = new AbortController();
    stopEvents = () => { control.abort(); byId('stop').hidden = true; };
    try {
      const response = await fetch(endpoint, { method: 'POST', headers, body, credentials: 'omit', signal: control.signal });
      if (!response.ok) return showAnswer(response, await response.text(), 0);
      byId('stop').hidden = false;
      await showEvents(response);
    } catch (error) {
      if (!control.signal.aborted) throw error;
    } finally {
      if (!control.signal.aborted) stopEvents();
    }
  }

  async function showEvents(response) {
    const shown = [];
    let count = 0;
    let good = true;
    const say = (state) => {
      byId('outcome').className = good ? 'good' : 'bad';
      byId('outcome').textContent = [response.status, good ? 'OK' : 'with errors', state, 'events: ' + count].join(' · ');
      byId('answer').textContent = shown.join('\\n') || 'Waiting for the first event …';
    };
    say('listening');
    let rest = '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const parts = (rest + next.value).split('\\n\\n');
      rest = parts.pop();
      for (const part of parts) {
        const text = /^event: next\\ndata: (.*)$/.exec(part)?.[1];
        if (text === undefined) continue;
        const event = JSON.parse(text);
        if (event.errors) good = false;
        count += 1;
        shown.unshift(new Date().toLocaleTimeString() + '\\n' + pretty(event));
        shown.length = Math.min(shown.length, EVENTS_SHOWN);
      }
      say('listening');
    }
    say('ended');
  }

  function showAnswer(response, text, elapsed) {
    let answer;
    try { answer = JSON.parse(text); } catch { answer = undefined; }
    const good = response.ok && answer !== undefined && !answer.errors;
    const size = (new Blob([text]).size / 1024).toFixed(1) + ' KiB';
    byId('outcome').className = good ? 'good' : 'bad';
    byId('outcome').textContent = [response.status, good ? 'OK' : 'with errors', Math.round(elapsed) + ' ms', size].join(' · ');
    byId('answer').textContent = answer === undefined ? text : pretty(answer);
  }

  // -- Both

  function show(next) {
    view = next;
    byId('sandbox').hidden = view !== 'sandbox';
    byId('console').hidden = view !== 'console';
    byId('view').textContent = view === 'console' ? 'Apollo Sandbox' : 'Built-in console';
  }

  async function copyToken() {
    try {
      await navigator.clipboard.writeText(identity().token);
      say('Token copied: ' + identity().label + '.');
    } catch {
      say('The browser does not allow copying here; the token is among the headers of the built-in console.');
    }
  }

  fill(byId('operation'), settings.examples.map((each) => each.name));
  fill(byId('who'), settings.identities.map((each) => each.label));
  byId('identity').hidden = settings.identities.length === 0;
  byId('operation').addEventListener('change', () => { view === 'sandbox' ? mountSandbox() : fillRequest(); });
  byId('who').addEventListener('change', () => { fillHeaders(); say('Requests are now sent as: ' + identity().label + '.'); });
  byId('copy').addEventListener('click', copyToken);
  byId('view').addEventListener('click', () => { view === 'console' ? showSandbox() : showConsole(); });
  byId('stop').addEventListener('click', () => stopEvents());
  byId('request').addEventListener('submit', (event) => { event.preventDefault(); run(); });
  byId('request').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
  });
  fillRequest();
  fillHeaders();
  showSandbox();
})();
`;
