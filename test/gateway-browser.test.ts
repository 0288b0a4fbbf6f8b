import { chromium, type Browser, type Page, type Response } from 'playwright-core';
import { HOUR } from '../src/units.js';
import { outboxPlant } from './support/feed.js';
import { startGateway, type GatewayProcess } from './support/gateway.js';
import type { Plant } from './support/plant.js';
import { findChromium, type Chromium } from './support/servers/chromium.js';
import { describeWith } from './support/servers/shared.js';

const CDN = 'embeddable-sandbox.cdn.apollographql.com';

describeWith('postgres', 'chromium')('a browser without internet opens /graphql', () => {
  let gateway: GatewayProcess;
  let plant: Plant;
  let found: Chromium;
  let browser: Browser;
  let page: Page;
  let answer: Response;
  const complaints: string[] = [];

  beforeAll(async () => {
    const created_at = new Date(Date.now() - HOUR).toISOString();
    plant = await outboxPlant({
      orders: [
        { number: 'ORD-A', partner_id: 'partner-a', created_at },
        { number: 'ORD-B', partner_id: 'partner-b', created_at },
      ],
    });
    // Without a secret of its own it is a demo, with ready tokens in the page.
    [gateway, found] = await Promise.all([startGateway({ MES_DATABASE_URL: plant.url, AUTH_JWT_SECRET: '' }), findChromium()]);
    browser = await chromium.launch({ executablePath: found.executablePath, args: found.args, env: found.env });
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.route(
      (url) => url.hostname !== '127.0.0.1',
      (route) => route.abort('internetdisconnected'),
    );
    answer = (await page.goto(`${gateway.url}/graphql`))!;
  });

  afterAll(async () => {
    await browser.close();
    found.remove();
    await gateway.stop();
  });

  test('the page comes with headers that let it do what it needs, and nothing else', async () => {
    const headers = await answer.allHeaders();
    expect(answer.status()).toBe(200);
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(headers['content-type']).toMatch(/^text\/html/);
    const policy = headers['content-security-policy'];
    for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(await page.title()).toContain('MES gateway');
  });

  test('the console of its own takes over, and says why', async () => {
    await page.waitForSelector('#console:not([hidden])');
    expect(await page.textContent('#notice')).toContain('Apollo Sandbox could not be loaded');
    expect(await page.locator('#operation option').allTextContents()).toEqual(
      expect.arrayContaining(["Today's newest orders", 'A day as 24 windows of one hour', 'Move an order forward']),
    );
  });

  /** Runs the chosen operation as it stands; gives what is shown of the outcome and the answer. */
  const run = async (): Promise<{ outcome: string | null; answer: string }> => {
    await page.evaluate("document.getElementById('outcome').textContent = ''");
    await page.click('#run');
    await page.locator('#outcome:not(:empty)').waitFor();
    return { outcome: await page.textContent('#outcome'), answer: (await page.textContent('#answer')) ?? '' };
  };

  test('a ready operation shows real orders, to each who asks its own', async () => {
    await page.selectOption('#operation', { label: 'Page by page through a week' });
    for (const [who, numbers] of [
      ['Operator', ['ORD-A', 'ORD-B']],
      ['Partner A', ['ORD-A']],
      ['Partner B', ['ORD-B']],
    ] as const) {
      await page.selectOption('#who', { label: who });
      const shown = await run();
      expect(shown.outcome).toMatch(/^200 · OK · /);
      expect(['ORD-A', 'ORD-B'].filter((number) => shown.answer.includes(number))).toEqual(numbers);
    }
  });

  test('every ready operation runs without an error, or with one that its placeholder deserves', async () => {
    await page.selectOption('#who', { label: 'Operator' });
    for (const name of await page.locator('#operation option').allTextContents()) {
      await page.selectOption('#operation', { label: name });
      const { outcome, answer: shown } = await run();
      if (name === 'Move an order forward') expect(shown).toContain('NOT_FOUND');
      else expect(`${name}: ${outcome}`).toMatch(/: 200 · OK/);
    }
  });

  test('a subscription shows events as they come, until it is stopped', async () => {
    await page.selectOption('#who', { label: 'Partner A' });
    await page.selectOption('#operation', { label: 'Watch orders change' });
    expect((await run()).outcome).toMatch(/^200 · OK · listening · events: 0/);
    const now = new Date().toISOString();
    await plant.insert({ number: 'ORD-C', created_at: now }, { number: 'ORD-D', created_at: now, partner_id: 'partner-b' });
    await page.locator('#outcome', { hasText: 'events: 1' }).waitFor();
    const shown = await page.textContent('#answer');
    expect(['ORD-C', 'ORD-D'].filter((number) => shown?.includes(number))).toEqual(['ORD-C']);
    await page.click('#stop');
    await page.locator('#stop').waitFor({ state: 'hidden' });
    expect(await page.textContent('#problem')).toBe('');
  });

  test('the browser complains of nothing but the CDN that it cannot reach', () => {
    const others = complaints.filter((text) => !text.includes(CDN) && !text.includes('net::ERR_INTERNET_DISCONNECTED'));
    expect(others).toEqual([]);
    expect(complaints.join('\n')).not.toMatch(/Content.Security.Policy/i);
  });
});
