import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openChromium } from '../support/chromium.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { requireProgram } from '../support/require-program.ts';
import { suiteParts } from '../support/suite-parts.ts';

const people = `  you: { kind: human, groups: [admins], targets: [] }
roles: { analyst: { groups: [admins] } }
`;

describe('the console at a gateway that is new, and that goes and comes back', requireProgram('chromium'), () => {
  let gateway: GatewayProcess;
  let browser: Browser;
  let api: string;
  let url: string;
  const parts = suiteParts();

  before(async () => {
    const server = createServer((_request, response) => void response.end('here')).listen(0, '127.0.0.1');
    parts.defer(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    api = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    gateway = parts.use(await GatewayProcess.start({ config: `targets: {}\nprincipals:\n${people}` }));
    url = `http://localhost:${gateway.port('http')}`;
    browser = await openChromium();
    parts.defer(async () => browser.close());
  });

  /** Opens a page as somebody with a token, which counts after a restart too: sessions of browsers end with the gateway. */
  async function open(path: string): Promise<Page> {
    const token = await gateway.issueToken('you');
    const page = await (await browser.newContext({ extraHTTPHeaders: { authorization: `Bearer ${token}` } })).newPage();
    await page.goto(url + path);
    return page;
  }

  const ask = async (): Promise<void> => {
    const token = await gateway.issueToken('bot');
    const answer = await fetch(`${url}/t/api/`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(await answer.text(), 'here');
  };

  test('three steps lead to a first session, with what the gateway knows, and go when it is there; who cannot sign in yet is told how; two visits count the day with one search for each field', async () => {
    const page = await open('/');
    const steps = page.locator('.first-run li');
    await page.waitForSelector('.first-run pre:has-text("countersign target add")');
    await gateway.apply(`targets:\n  api: { url: "${api}" }\nprincipals:\n  bot: { kind: agent, targets: [api] }\n${people}`);
    await page.waitForSelector('.first-run pre:has-text("countersign token create bot")');
    await page.waitForSelector('.first-run pre:has-text("/t/api")');
    assert.match(await steps.nth(0).innerText(), /^done/);
    assert.doesNotMatch(await steps.nth(1).innerText(), /done/);
    await ask();
    await page.waitForSelector('.first-run', { state: 'detached' });
    const nobody = await (await browser.newContext()).newPage();
    await nobody.goto(url);
    await nobody.waitForSelector('code:text-is("countersign console")');
    await page.click('nav >> text=Approvals');
    await page.waitForSelector('h1:has-text("Approvals")');
    await page.click('nav >> text=Now');
    await page.waitForSelector('.tiles a:has-text("held"):has-text("0")');
    await page.waitForSelector('.health a:text-matches("^[0-9]+ records are signed$")');
    const own = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    const read = (await Promise.all(own.map(async ({ session }) => gateway.records(session)))).flat().filter(({ kind }) => kind === 'access');
    assert.equal(read.filter(({ content }) => Buffer.from(content?.base64 ?? '', 'base64').includes('countBy')).length, 2);
  });

  test('a gateway that stops is said to be lost on each page that asks it, and the pages go on by themselves when it is back', async () => {
    const pages = await Promise.all(['/', '/sessions', '/alerts', '/reviews'].map(open));
    await Promise.all(pages.map(async (page) => page.waitForSelector('main h1')));
    const { length } = await gateway.sessions();
    const port = gateway.port('http');
    await gateway.signal('SIGTERM');
    await Promise.all(pages.slice(0, 3).map(async (page) => page.waitForSelector(':text("The gateway does not answer.")')));
    const config = readFileSync(gateway.configFile, 'utf8');
    writeFileSync(gateway.configFile, config.replace('http: 127.0.0.1:0', `http: 127.0.0.1:${port}`));
    await gateway.start();
    assert.equal(gateway.port('http'), port);
    await ask();
    await Promise.all(pages.map(async (page) => page.waitForSelector(':text("The gateway does not answer.")', { state: 'detached' })));
    const [now, sessions] = pages;
    await now?.waitForSelector('.health:has-text("The gateway records and serves")');
    await sessions?.waitForSelector(`tbody tr:nth-child(${length + 1})`);
  });
});
