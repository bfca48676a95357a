import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openChromium } from '../support/chromium.ts';
import { requireProgram } from '../support/require-program.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';

const policy = `@id("rows") @reason("Say which rows.")
forbid (principal, action in Action::"postgres", resource)
when { context.statements.contains("delete") && !context.hasWhere };

@id("lists") @mask("email")
permit (principal in Group::"agents", action in Action::"postgres", resource)
unless { action == Action::"postgres.connect" };
`;
const statements = ["SELECT 'first' AS one", 'DELETE FROM pg_class', "SELECT 'ann@example.com' AS address", "SELECT 'last' AS one"];
const printed = 'half\rprinted \u001B[31mred\u001B[0m \u001B]0;owned';
/** Longer than what is shown of a record's bytes before somebody asks for more. */
const long = `SELECT '${'x'.repeat(6000)}' AS long`;

describe('a session in the console', requireProgram('chromium', 'psql'), () => {
  let shop: Shop;
  let browser: Browser;
  let url: string;
  let path: string;
  const parts = suiteParts();
  const faults: string[] = [];

  before(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-console-session-'));
    parts.defer(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'rules.cedar'), policy);
    const config = `  boss: { kind: human, groups: [admins], targets: [] }
  ann: { kind: human, groups: [lookers], targets: [] }
  eve: { kind: human, groups: [owners], targets: [] }
policies: ${directory}
roles: { analyst: { groups: [admins, lookers] }, owner: { groups: [owners] } }
`;
    shop = parts.use(await openShop({ config }));
    url = `http://127.0.0.1:${shop.gateway.port('http')}`;
    browser = await openChromium();
    parts.defer(async () => browser.close());
    path = `/sessions/${await runAll([...statements, long])}`;
  });

  /** Runs statements, after a program has printed something. Resolves with the session. */
  async function runAll(asked: readonly string[]): Promise<string> {
    const script = asked.map((statement) => `psql -Atc "${statement}"`).join('; ');
    const run = ['run', '--as', 'agent', '--record-output', '--', 'sh', '-c', `printf '${printed}\\n'; printf 'more\\n' >&2; ${script}`];
    assert.equal(shop.gateway.cli(run).status, 0);
    return (await shop.gateway.newest()).session;
  }

  async function open(person: string, place: string): Promise<Page> {
    const token = await shop.gateway.issueToken(person);
    const context = await browser.newContext({ viewport: { width: 1280, height: 700 }, extraHTTPHeaders: { authorization: `Bearer ${token}` } });
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(url + place);
    await page.waitForSelector('.asked:has-text("first")');
    return page;
  }

  /** Resolves when the page is at the act with a statement, which has the focus. */
  const focused = async (page: Page, text: string): Promise<unknown> => page.waitForSelector(`article:focus .asked:has-text("${text}")`);

  /** Goes to the act with a statement: only those that are seen are in the page. */
  const goTo = async (page: Page, text: string): Promise<void> => {
    await page.keyboard.press('/');
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await focused(page, text);
  };

  test('keys lead from act to act, to the ends, to what was searched, and open the facts; the address is a link to the moment', async () => {
    const page = await open('ann', path);
    await page.keyboard.press('/');
    await page.keyboard.type('FROM PG_');
    await page.waitForSelector('.find [role=status]:text-is("1 found")');
    await page.keyboard.press('Enter');
    await focused(page, 'DELETE');
    assert.equal(await page.innerText('.find [role=status]'), '1 of 1');
    await page.keyboard.press('Enter');
    await page.waitForSelector('article:focus .facts[open] dl:has-text("db.query.text")');
    const { hash } = new URL(page.url());
    await page.keyboard.press('g');
    await page.waitForSelector('.event:focus:has-text("open")');
    await page.keyboard.press('j');
    await page.waitForSelector('.event:focus:has-text("gateway.run")');
    await page.keyboard.press('ArrowUp');
    await page.waitForSelector('.event:focus:has-text("open")');
    await page.keyboard.press('n');
    await focused(page, 'DELETE');
    await page.keyboard.press('G');
    await page.waitForSelector('.event:focus:has-text("close")');
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]:has-text("next act")');
    await page.keyboard.press('k');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.event:focus:has-text("close")').count(), 1, 'in a dialog, keys are those of the dialog');
    await page.goto(`${url}${path}${hash}`);
    await focused(page, 'DELETE');
    assert.deepEqual(faults, []);
  });

  test('the page is titled as the session; keys that are characters can be switched off, for good', async () => {
    const page = await open('ann', path);
    assert.match(await page.title(), /^SELECT 'first' AS one · Countersign$/);
    await page.keyboard.press('?');
    await page.click('dialog label:has-text("Letters")');
    await page.keyboard.press('Escape');
    await page.reload();
    await page.waitForSelector('.asked:has-text("first")');
    await page.keyboard.press('j');
    await page.keyboard.press('G');
    assert.equal(new URL(page.url()).hash, '');
    await page.keyboard.press('End');
    await page.waitForSelector('.event:focus:has-text("close")');
    assert.deepEqual(faults, []);
  });

  test('the time of the session is a slider: a click leads to what was denied there, keys from act to act, and it is zoomed', async () => {
    const page = await open('ann', path);
    const slider = page.locator('[role=slider]');
    const said = async (words: string): Promise<unknown> => page.waitForSelector(`[role=slider]:focus[aria-valuetext*="${words}"]`);
    await slider.locator('path.high').click();
    await said('shop, postgres.query, deny, ');
    const denied = new URL(page.url()).hash;
    await page.waitForSelector('li[aria-current=true] .act.deny');
    await page.keyboard.press('ArrowLeft');
    await said('allow, ');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await focused(page, 'DELETE');
    assert.equal(new URL(page.url()).hash, denied);
    assert.equal(await page.locator('.lanes-map .seen').count(), 0);
    await page.keyboard.press('+');
    await page.waitForSelector('.lanes-map .seen');
    await page.click('[aria-label="Zoom out of the time"]');
    await page.waitForSelector('.lanes-map .seen', { state: 'detached' });
    assert.deepEqual(faults, []);
  });

  test('a session is played: what has not come yet is not there, and when it is paused or over, the address says where that was', async () => {
    const page = await open('ann', path);
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.selectOption('[aria-label=Speed]', '0.25');
    await page.click('button:text-is("Play")');
    await page.waitForSelector('button:text-is("Pause")');
    await page.clock.runFor(40);
    await page.waitForSelector('.timeline li:last-child .event');
    assert.equal(await page.locator('.asked').count(), 0);
    await page.keyboard.press(' ');
    await page.waitForSelector('button:text-is("Play")');
    await page.waitForURL(/#\d$/);
    await page.waitForSelector('.asked:has-text("first")');
    await page.selectOption('[aria-label=Speed]', '100');
    await page.click('main h2');
    await page.keyboard.press(' ');
    await page.waitForSelector('button:text-is("Pause")');
    await page.clock.runFor(2000);
    await page.waitForSelector('button:text-is("Play")');
    await page.waitForSelector('li[aria-current=true] .event:has-text("close")');
    assert.equal(`#${await page.locator('.event:has-text("close")').getAttribute('id')}`, new URL(page.url()).hash);
    assert.deepEqual(faults, []);
  });

  test('a decision says why: an administrator reads the policy as it was then; others read its name', async () => {
    const act = '.act.deny';
    const page = await open('boss', path);
    await goTo(page, 'DELETE');
    await page.click(`${act} summary:has-text("rules.cedar:rows")`);
    await page.waitForSelector(`${act} .opened pre:has-text("context.hasWhere")`);
    assert.doesNotMatch(await page.innerText(`${act} .opened pre`), /@mask/);
    const other = await open('ann', path);
    await goTo(other, 'DELETE');
    assert.match(await other.innerText(`${act} > header`), /by rules\.cedar:rows because Say which rows\./);
    assert.equal(await other.locator(`${act} summary:has-text("rules.cedar:rows")`).count(), 0);
    assert.deepEqual(faults, []);
  });

  test('what a mask has changed is said at the answer; what a program has printed is one text', async () => {
    const page = await open('ann', path);
    await goTo(page, 'ann@example.com');
    assert.match(await page.innerText('article:focus'), /\[email\][^]*Masked in the answer: 1 × email by rules\.cedar:lists/);
    await page.keyboard.press('g');
    // The list draws what is near the first act, which has the focus then.
    await page.waitForSelector('.event:focus:has-text("open")');
    const output = page.locator('.terminal').first();
    assert.equal((await output.innerText()).trim(), 'printed red 001B]0;owned\nmore');
    assert.equal(await output.locator('.red').innerText(), 'red');
    await page.click('.opened summary:has-text("printed over something")');
    await page.waitForSelector('.opened .terminal:has-text("half000Dprinted 001B[31mred")');
    assert.equal((await output.locator('.stderr').first().innerText()).trim(), 'more');
    assert.deepEqual(faults, []);
  });

  test('two sessions are put side by side, with what differs marked; who may not see one gets nothing', async () => {
    const later = await runAll(["SELECT 'first' AS one", 'DELETE FROM pg_class', "SELECT 'latest' AS one", "SELECT 'new' AS one"]);
    const page = await open('ann', path);
    await page.goto(`${url}/sessions`);
    await page.click('tbody tr:first-child a:text-is("Compare")');
    await page.click('button:text-is("Compare")');
    await page.waitForURL(`${url}${path}/diff/${later}`);
    await page.waitForSelector('[role=status]:has-text("the same")');
    const changed = page.locator('.of-asked:has(ins:has-text("latest"))');
    assert.match(await changed.innerText(), /asked something else shop postgres\.query/);
    assert.deepEqual(await changed.locator('.asked ins').allInnerTexts(), ['latest', 'one']);
    await page.click('.same summary >> nth=0');
    await page.waitForSelector('.same .pair:has-text("first")');
    await changed.locator('a >> nth=1').click();
    await page.waitForURL(new RegExp(`/sessions/${later}#\\d+$`));
    await focused(page, 'latest');
    const token = await shop.gateway.issueToken('eve');
    for (const session of [later, '0'.repeat(32)]) {
      assert.equal((await shop.gateway.api(`/api/v1${path}/diff/${session}`, { token })).status, 404);
    }
    const readings = await (
      await shop.gateway.api(`/api/v1/search?query=${encodeURIComponent('kind:access countersign.access.what:diff user.id:ann')}`)
    ).text();
    assert.deepEqual(
      [path.split('/')[2] ?? '', later].map((session) => readings.includes(`"countersign.access.session":"${session}"`)),
      [true, true],
    );
    assert.deepEqual(faults, []);
  });

  test('the bytes of a record are asked for when somebody opens them, some at a time', async () => {
    const page = await open('ann', path);
    let asked = 0;
    page.on('request', (request) => {
      asked += request.url().includes('/bytes?') ? 1 : 0;
    });
    await goTo(page, 'xxxx');
    const facts = page.locator('.act:has(.asked:has-text("xxxx")) .facts');
    await facts.locator('summary').first().click();
    assert.equal(asked, 0);
    await facts.locator('text=hex').first().click();
    await facts.locator('pre:has-text("00000000  51 00 00 17 ")').waitFor();
    await facts.locator('button:text-matches("more bytes hidden")').click();
    await facts.locator('pre:has-text("00001770  ")').waitFor();
    assert.equal(await facts.locator('button:text-matches("hidden")').count(), 0);
    await facts.locator('text=raw').first().click();
    await facts.locator('pre:has-text("Q00000000")').waitFor();
    assert.deepEqual(faults, []);
  });
});
