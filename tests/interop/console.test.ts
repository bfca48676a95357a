import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import pg from 'pg';
import { ConsoleShop } from '../support/console-shop.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import type { Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';

/** A text that would be markup, and that turns the direction of what follows it. */
const hostile = `<img src=x onerror=alert(1)> \u202Eevil`;
const statement = `SELECT 1 AS one, '${hostile}' AS said`;

describe('the console, in a browser', requireProgram('chromium', 'psql'), () => {
  let opened: ConsoleShop;
  let shop: Shop;
  let url: string;
  let session: string;
  let faults: string[];
  const parts = suiteParts();

  before(async () => {
    opened = parts.use(await ConsoleShop.open(statement));
    ({ shop, url, session, faults } = opened);
  });

  test('who is not signed in signs in at the issuer, and comes back to the page; a session is one conversation with the statement under the call that caused it', async () => {
    const page = await opened.signIn('ann', '/sessions');
    faults.length = 0;
    await page.click('table >> text=How many are there?');
    await page.waitForURL(`${url}/sessions/${session}`);
    await page.waitForSelector('.call .act .rows');
    assert.equal(await page.innerText('h1'), 'How many are there?');
    assert.match(await page.innerText('.message.user'), /How many are there\?/);
    assert.match(await page.innerText('.message.assistant .call'), /tool call run_sql/);
    const asked = (await page.locator('.call .act .asked').allInnerTexts()).find((text) => text.startsWith('SELECT'));
    assert.equal(asked, statement.replace('\u202E', '202E'), 'markup is text, and a character that nobody sees is seen');
    assert.equal(await page.locator('.timeline img').count(), 0);
    assert.deepEqual(await page.locator('.call .act .rows :is(th, td)').allInnerTexts(), ['one', 'said', '1', hostile.replace('\u202E', '202E')]);
    assert.deepEqual(faults, []);
  });

  test('a search finds the record, which is seen in its place', async () => {
    const page = await opened.signIn('ann', '/search');
    faults.length = 0;
    await page.fill('[type=search]', 'kind:statement session:'.concat(session));
    await page.click('main button[type=submit]');
    await page.waitForSelector('.found li');
    await page.waitForSelector('main [role=status]:text-matches("^[0-9]+ record")');
    await page.click('.found li:has-text("SELECT 1 AS one") a');
    await page.waitForSelector('[aria-current=true] .asked:has-text("SELECT 1 AS one")');
    await page.goto(`${url}/search?query=kind:`);
    assert.match(await page.innerText('[role=alert]'), /kind:/);
    assert.deepEqual(
      faults.filter((fault) => !fault.includes('400')),
      [],
    );
  });

  test('C30, B16: who may not read is shown nothing, and in the same way whether or not it is there; no page is in a frame and none runs foreign code', async () => {
    const page = await opened.signIn('eve', '/sessions');
    const seen = async (path: string): Promise<string> => {
      await page.goto(`${url}${path}`);
      return page.innerText('main [role=alert]');
    };
    const there = await seen(`/sessions/${session}`);
    assert.equal(there, await seen(`/sessions/${'0'.repeat(32)}`));
    assert.doesNotMatch(await page.innerText('main'), /How many/);
    const answer = await page.goto(`${url}/sessions`);
    assert.match(answer?.headers()['content-security-policy'] ?? '', /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    assert.doesNotMatch(answer?.headers()['content-security-policy'] ?? '', /unsafe/);
    await assert.rejects(page.addScriptTag({ content: 'document.title = "other"' }));
  });

  test('who has a token signs a browser in with a link, once, and sees what is its own', async () => {
    const page = await opened.openPage();
    const { link, principal }: { readonly link: string; readonly principal: string } = JSON.parse(shop.gateway.cli(['console', 'agent', '--json']).stdout);
    assert.equal(principal, 'agent');
    await page.goto(link);
    await page.click('text=Sign in as agent');
    await page.click('nav >> text=Sessions');
    await page.waitForSelector('table >> text=How many are there?');
    assert.equal(await page.innerText('.person span'), 'agent');
    const again = await opened.openPage();
    await again.goto(link);
    await again.waitForSelector('#said:has-text("The link does not count")');
    const run = await shop.gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
    const { token }: { readonly token: string } = JSON.parse(await run.text());
    for (const [shown, body] of [
      [token, {}],
      [shop.token, { principal: 'stranger' }],
    ] as const) {
      const answer = await fetch(`${url}/api/v1/sign-in/link`, {
        method: 'POST',
        headers: { authorization: `Bearer ${shown}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      assert.equal(answer.status, 403);
    }
  });

  test('a session that goes on is watched as it goes on, and halted', async () => {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' });
    const gone = new Promise((resolve) => {
      client.on('error', resolve);
    });
    await client.connect();
    await client.query("SELECT 'before' AS seen");
    const page = await opened.signIn('oli', '/sessions');
    await page.click('tr:has-text("before") a');
    await page.waitForSelector('.asked:has-text("before")');
    await client.query("SELECT 'meanwhile' AS seen");
    await page.waitForSelector('.asked:has-text("meanwhile")');
    await page.fill('.note input', 'enough');
    await page.click('text=Halt this session');
    assert.match(String(await gone), /enough/);
    await page.waitForSelector('.overview .mark:has-text("halted")');
    await page.waitForSelector('.event:has-text("close")');
  });

  test('who must approve sees what would be done and what is bound, and approves; the client goes on; now it says that nothing waits', async () => {
    const held = psql(shop.through, ['-Atc', 'CREATE TABLE made (id int)']);
    const page = await opened.signIn('dan', '/');
    await page.click('.tiles a:has-text("requests wait for approval"):has-text("1")');
    await page.click('.found a:has-text("agent")');
    await page.waitForSelector('h2:has-text("What would be done")');
    assert.equal(await page.innerText('.card .asked'), 'CREATE TABLE made (id int)');
    assert.match(await page.innerText('.card'), /Changes are for people to decide\.[^]*changes\.cedar:changes[^]*define[^]*[0-9a-f]{64}/);
    await page.fill('.note input >> nth=0', 'as planned');
    await page.click('text=Approve');
    await page.waitForSelector('.card .mark:text-is("used")');
    assert.equal((await held).stdout.trim(), 'CREATE TABLE');
    await page.click('nav >> text=Now');
    await page.waitForSelector('.tiles a:has-text("requests wait for approval"):has-text("0")');
  });

  test('files of the page have the names of their content, and stay in the browser; other addresses are no page for programs', async () => {
    const [, name = ''] = /src="(\/assets\/[\w-]+\.js)"/.exec(await (await fetch(`${url}/`, { headers: { accept: 'text/html' } })).text()) ?? [];
    const file = await fetch(url + name, { headers: { 'accept-encoding': 'gzip' } });
    assert.deepEqual([file.status, file.headers.get('cache-control')], [200, 'public, max-age=31536000, immutable']);
    for (const path of ['/assets/none.js', '/assets/..%2findex.html', '/nowhere', '/api/v1/nowhere']) {
      assert.equal((await fetch(url + path)).status, 404, path);
    }
  });
});
