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
const printed = 'printed \u001B[31mred';
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
policies: ${directory}
roles: { analyst: { groups: [admins, lookers] } }
`;
    shop = parts.use(await openShop({ config }));
    url = `http://127.0.0.1:${shop.gateway.port('http')}`;
    browser = await openChromium();
    parts.defer(async () => browser.close());
    const script = [...statements, long].map((statement) => `psql -Atc "${statement}"`).join('; ');
    const run = ['run', '--as', 'agent', '--record-output', '--', 'sh', '-c', `printf '${printed}\\n'; printf 'more\\n' >&2; ${script}`];
    assert.equal(shop.gateway.cli(run).status, 0);
    const { session } = await shop.gateway.newest();
    path = `/sessions/${session}`;
  });

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
    assert.equal((await output.innerText()).trim(), `${printed.replace('\u001B', '001B')}\nmore`);
    assert.equal((await output.locator('.stderr').innerText()).trim(), 'more');
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
