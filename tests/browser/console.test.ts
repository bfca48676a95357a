import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import OpenAI from 'openai';
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

  /** Demands of who approves a sign-in that is not older. */
  const demandFresh = async (time: string): Promise<void> => {
    const { configFile } = shop.gateway;
    const config = readFileSync(configFile, 'utf8');
    writeFileSync(configFile, config.replace(/identity:\n(?: {2}fresh: .*\n)?/, `identity:\n  fresh: { approve: ${time} }\n`));
    assert.equal((await shop.gateway.api('/api/v1/config/apply', { method: 'POST', body: {} })).status, 200);
  };

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
    assert.deepEqual(await page.locator('.call .act .statement .keyword').allInnerTexts(), ['SELECT', 'AS', 'AS']);
    assert.equal(await page.locator('.call .act .statement .text').innerText(), `'${hostile}'`.replace('\u202E', '202E'));
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
    assert.deepEqual((await page.locator('[role=alert] pre').innerText()).split('\n'), ['  kind:', '       ^'], 'the place is pointed at');
    await page.goto(`${url}/search`);
    await page.click('.examples a:has-text("kind:change")');
    await page.waitForURL(/query=kind%3Achange/);
    await page.waitForSelector('main [role=status]:has-text("Nothing was found")');
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

  test('who is signed out in the middle of the work signs in again, and is back at the same place', async () => {
    const path = `/sessions/${session}#3`;
    const page = await opened.signIn('ann', path);
    await page.waitForSelector('[aria-current=true]');
    const other = await opened.signIn('ann', '/');
    await other.evaluate("fetch('/api/v1/sign-out', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{\"everywhere\":true}' })");
    await page.reload();
    await page.waitForURL((address) => address.pathname === '/sign-in');
    await page.click('text=Sign in with corp');
    await page.click('[type=submit]');
    await page.waitForURL(`${url}${path}`);
    await page.waitForSelector('[aria-current=true]');
  });

  test('who cannot be signed in, or out, is told so on the page', async () => {
    const lost = await opened.openPage();
    await lost.goto(`${url}/api/v1/sign-in/callback?code=of-nobody`);
    await lost.waitForSelector('[role=alert]:has-text("did not begin to sign in here")');
    await lost.click('a.button');
    await lost.waitForSelector('text=Sign in with corp');
    const page = await opened.signIn('ann', '/sessions');
    await page.waitForSelector('table');
    await page.route('**/api/v1/sign-out', async (route) => route.abort());
    await page.click('.person button');
    await page.waitForSelector('main [role=alert]:has-text("The gateway does not answer.")');
  });

  test('a session that goes on is watched as it goes on, and halted', async () => {
    const client = new pg.Client({ host: '127.0.0.1', port: shop.gateway.port('postgres'), user: 'agent', password: shop.token, database: 'shop' });
    const gone = new Promise((resolve) => {
      client.on('error', resolve);
    });
    await client.connect();
    await client.query("SELECT 'before' AS seen");
    const [page, other] = await Promise.all(['oli', 'ann'].map(async (person) => opened.signIn(person, '/sessions')));
    assert.ok(page !== undefined && other !== undefined);
    for (const each of [page, other]) {
      await each.click('tr:has-text("before") a');
      await each.waitForSelector('.asked:has-text("before")');
    }
    await client.query("SELECT 'meanwhile' AS seen");
    await page.waitForSelector('.asked:has-text("meanwhile")');
    await other.keyboard.press(' ');
    for (let number = 1; number <= 40; number += 1) {
      await client.query(`SELECT 'number ${number}' AS seen`);
    }
    // The page has only the items of the list that are seen.
    await other.waitForSelector('.asked:has-text("number 40")');
    await page.fill('.note input', 'enough');
    await page.click('text=Halt this session');
    assert.match(String(await gone), /enough/);
    await page.waitForSelector('.overview .mark:has-text("halted")');
    await other.waitForSelector('.overview .mark:has-text("halted")');
    await other.waitForSelector('.event:has-text("close")');
  });

  test('who must approve sees what would be done and what is bound, and approves; the client goes on; now it says that nothing waits', async () => {
    const held = psql(shop.through, ['-Atc', 'CREATE TABLE made (id int)']);
    const page = await opened.signIn('dan', '/');
    const other = await opened.signIn('dan', '/approvals');
    await other.waitForSelector('.found a:has-text("agent")');
    await page.click('.tiles a:has-text("for approval"):has-text("1")');
    await page.click('.found a:has-text("agent")');
    await page.waitForSelector('h2:has-text("What would be done")');
    assert.equal(await page.innerText('.card .asked'), 'CREATE TABLE made (id int)');
    assert.match(await page.innerText('.card'), /Changes are for people to decide\.[^]*changes\.cedar:changes[^]*define[^]*[0-9a-f]{64}/);
    await page.fill('.note input >> nth=0', 'as planned');
    await page.click('text=Approve');
    await page.waitForSelector('.card .mark:text-is("used")');
    assert.equal((await held).stdout.trim(), 'CREATE TABLE');
    await other.waitForSelector('main [role=status]:has-text("No request waits for you.")');
    await page.click('nav >> text=Now');
    await page.waitForSelector('.tiles a:has-text("for approval"):has-text("0")');
  });

  test('where policy says so, who approves signs in anew for it; a grant that was not used is taken back, and who asks again is told why', async () => {
    const agent = { ...shop.through, PGOPTIONS: '-c countersign.hold=return' };
    const ask = ['-Atc', 'CREATE TABLE unmade (id int)'];
    assert.match((await psql(agent, ask)).stderr, /approval/);
    const page = await opened.signIn('dan', '/approvals');
    await page.click('.found a:has-text("agent")');
    await page.waitForSelector('text=Approve');
    const approval = page.url();
    await demandFresh('1s');
    await delay(1500);
    await page.click('text=Approve');
    await page.waitForURL(/\/sign-in\?/);
    await demandFresh('1h');
    await opened.enter(page, 'dan');
    await page.waitForURL(approval);
    await page.click('text=Approve');
    await page.waitForSelector('.card .mark:text-is("granted")');
    await page.click('nav >> text=Approvals');
    await page.click('.found li:has-text("granted, not used yet") a');
    await page.fill('.note input', 'not today');
    await page.click('text=Take the approval back');
    await page.waitForSelector('.card .mark:text-is("denied")');
    assert.match((await psql(agent, ask)).stderr, /not today/);
  });

  test('an alert is acknowledged, assigned to somebody who is known, and closed; the session is reviewed; both are on record', async () => {
    await psql(shop.through, ['-Atc', 'DROP TABLE one']);
    const { session: dropped } = await shop.gateway.newest();
    const analyst = await opened.signIn('ann', '/alerts');
    await analyst.waitForSelector('.found > li:has-text("drops")');
    assert.equal(await analyst.locator('.found button').count(), 0, 'who may not act on alerts is shown no buttons');
    const page = await opened.signIn('sam', '/alerts');
    const alert = page.locator('.found > li', { hasText: 'drops' });
    await alert.locator('text=Acknowledge').click();
    await alert.locator('text=acknowledged it').waitFor();
    const [assignee, note] = [alert.locator('.note input').nth(0), alert.locator('.note input').nth(1)];
    await assignee.fill('nobody');
    await alert.locator('button:text-is("Assign")').click();
    await alert.locator('[role=alert]').waitFor();
    await assignee.fill('agent');
    await alert.locator('button:text-is("Assign")').click();
    await alert.locator('text=for agent').waitFor();
    await note.fill('a test');
    await alert.locator('text=Close').click();
    await alert.waitFor({ state: 'detached' });
    await page.click('nav >> text=Reviews');
    const review = page.locator(`.found > li:has(a[href*="${dropped}"])`);
    await review.locator('.note input').fill('nothing was dropped');
    await review.locator('text=Sign off').click();
    await review.waitFor({ state: 'detached' });
    await page.goto(`${url}/search?query=${encodeURIComponent('action:(gateway.close_alert or gateway.review_session)')}`);
    await page.waitForSelector('main [role=status]:text-matches("^2 records")');
  });

  test('a picture in a conversation is shown when somebody opens it', async () => {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const content = [
      { type: 'text' as const, text: 'What is in this picture?' },
      { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${pixel}` } },
    ];
    const client = new OpenAI({ apiKey: await shop.gateway.issueToken('agent'), baseURL: `${url}/t/model/v1` });
    await client.chat.completions.create({ model: 'scripted-1', messages: [{ role: 'user', content }] });
    const page = await opened.signIn('ann', `/sessions/${(await shop.gateway.newest()).session}`);
    await page.click('summary:has-text("image image/png, 70 bytes")');
    await page.waitForSelector('img.picture');
    assert.equal(await page.evaluate("document.querySelector('img.picture').decode().then(() => document.querySelector('img.picture').naturalWidth)"), 1);
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
