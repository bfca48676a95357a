import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { barriers } from '../support/barriers.ts';
import { ConsoleShop } from '../support/console-shop.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';

describe('the console, for everybody', requireProgram('chromium', 'psql'), () => {
  let opened: ConsoleShop;
  /** The second request to the model, which carries what the first statement brought. */
  let traced = '';
  const parts = suiteParts();

  before(async () => {
    opened = parts.use(await ConsoleShop.open(`SELECT 1 AS one, concat('ada.lovelace7c1a', chr(64), 'example.com') AS address`));
    const records = await opened.shop.gateway.records(opened.session);
    traced = records.findLast(({ kind, target }) => kind === 'request' && target === 'model')?.record ?? '';
  });

  /** The pages with something in each, and what is there when they are whole. */
  const pages = (): readonly (readonly [string, string])[] => [
    ['/', '.tiles a:has-text("held"):not(:has-text("…"))'],
    ['/sessions', 'table >> text=How many are there?'],
    [`/sessions/${opened.session}`, '.call .act .rows'],
    [`/trace/${traced}`, '.way li[aria-current]'],
    [`/sessions/${opened.session}/diff/${opened.session}`, '.same'],
    ['/search', '[type=search]'],
    ['/search?query=kind:statement', '.found li'],
    ['/search?query=kind:', '[role=alert]'],
    ['/search?query=kind:statement&as=sessions', 'table >> text=How many are there?'],
    ['/search?query=kind:request&as=counts', '.bars td:has-text("agent")'],
    ['/alerts', '.found li, main h1 ~ [role=status]:not(:has-text("Loading"))'],
    ['/reviews', '.found li, main h1 ~ [role=status]:not(:has-text("Loading"))'],
    ['/approvals', '.found li, main h1 ~ [role=status]:not(:has-text("Loading"))'],
    ['/integrity', '.epochs > li'],
    ['/nowhere', '[role=alert]'],
  ];

  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    test(`each page can be used by everybody (WCAG 2.2 AA), none is wider than ${width} px, and none says an error or asks elsewhere; ${colorScheme}`, async () => {
      const page = await opened.signIn('ann', '/', { colorScheme, viewport: { width, height: 900 } });
      opened.faults.length = 0;
      const found: string[] = [];
      for (const [path, whole] of pages()) {
        await page.goto(`${opened.url}${path}`);
        await page.waitForSelector('main h1');
        await page.waitForSelector(whole);
        found.push(...(await barriers(page)).map((barrier) => `${path} ${barrier}`));
        const wide: number = await page.evaluate('document.documentElement.scrollWidth');
        found.push(...(wide > width ? [`${path} is ${wide} px wide`] : []));
      }
      assert.deepEqual(found, []);
      assert.deepEqual(
        opened.faults.filter((fault) => !/400 \(Bad Request\)/.test(fault)),
        [],
        'no page says an error or asks elsewhere, but for the query that cannot be read',
      );
    });
  }

  test('a value is followed from the act where it came to the request that carried it, and back, without being shown; who may not read it finds nothing', async () => {
    const page = await opened.signIn('ann', `/sessions/${opened.session}`);
    await page.click('.overview a:has(bdi:text-is("email"))');
    await page.waitForURL(/\/trace\//);
    await page.waitForSelector('.way:has-text("1 value of shop")');
    const steps = await page.locator('.way ol li').allTextContents();
    assert.deepEqual(
      steps.map((step) => step.replace(/\d\d:\d\d:\d\d\.\d{3}$/, '').replace(/#\d+/, '#N')),
      ['came first in an answer of shop#N came herepostgres.query', 'carried to model#N allowllm.chat'],
    );
    assert.match(await page.innerText('.causes'), /^made for #\d+ \S+ model llm\.chat allow tool call call_\w+ likely/);
    assert.ok(!(await page.content()).includes('ada.lovelace'));
    await page.focus('.way li:last-child a');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.act:focus');
    await page.click('.act:focus >> text=Trace');
    await page.waitForSelector('.way li:last-child[aria-current]');
    const stranger = await opened.signIn('eve', `/trace/${traced}`);
    await stranger.waitForSelector('[role=alert]');
    assert.ok(!(await stranger.content()).includes('llm.chat'));
  });

  test('sessions appear in the list as they come, with their titles and their activity, also those of a query; a risk says its reasons', async () => {
    const page = await opened.signIn('ann', '/sessions');
    const errand = page.locator('tbody tr:has-text("How many are there?")');
    await errand.locator('.strips svg rect').first().waitFor();
    assert.deepEqual(
      (await errand.locator('.strips svg').evaluateAll((strips) => strips.map((strip) => strip.ariaLabel))).map((label) => label?.replace(/^\d+/, 'N')),
      ['N records, some denied or with an alert', 'N records'],
    );
    await errand.locator('.risk button').focus();
    await errand.locator('.risk li:has-text("answer has values of data classes (email)")').waitFor();
    await page.keyboard.press('Escape');
    await errand.locator('.risk li').first().waitFor({ state: 'hidden' });
    await psql(opened.shop.through, ['-Atc', "SELECT 'newer' AS seen"]);
    await page.waitForSelector('tbody tr:first-child:has-text("newer")');
    await page.fill('[type=search]', 'text:newer');
    await page.click('main button[type=submit]');
    await page.waitForURL(/query=text%3Anewer$/);
    await page.waitForSelector('tbody tr:has-text("newer")');
    assert.equal(await page.locator('tbody tr').count(), 1);
    await psql(opened.shop.through, ['-Atc', "SELECT 'newer' AS again"]);
    await page.waitForSelector('tbody tr:nth-child(2)');
    await page.goto(`${opened.url}/sessions?query=text:never`);
    await page.waitForSelector('main [role=status]:has-text("Ask for less")');
  });

  test('a query is completed, counted, saved under a name, run by it, exported and deleted', async () => {
    const page = await opened.signIn('ann', '/search');
    await page.fill('[type=search]', 'kind:statement ver');
    await page.waitForSelector('datalist option[value="kind:statement verdict:"]', { state: 'attached' });
    await page.fill('[type=search]', 'kind:statement');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.found li:has-text("SELECT 1 AS one")');
    await page.selectOption('[aria-label=Answer]', 'counts');
    await page.waitForSelector('.bars td:has-text("agent")');
    await page.selectOption('[aria-label="Counted by"]', 'target');
    await page.click('.bars a:has-text("shop")');
    await page.waitForURL(/query=kind%3Astatement\+target%3A%22shop%22$/);
    await page.waitForSelector('.found li:has-text("SELECT 1 AS one")');
    await page.click('summary:has-text("Saved searches")');
    await page.fill('.saved .note input', 'Not a name');
    await page.click('text=Save this search');
    await page.waitForSelector('.saved [role=alert]:has-text("small letters")');
    await page.fill('.saved .note input', 'of-shop');
    await page.click('text=Save this search');
    await page.waitForSelector('.saved a:has-text("of-shop")');
    await page.goto(`${opened.url}/search`);
    await page.click('.saved a:has-text("of-shop")');
    await page.waitForSelector('.found li:has-text("SELECT 1 AS one")');
    await page.click('summary:has-text("Saved searches")');
    await page.click('[aria-label="Delete of-shop"]');
    await page.waitForSelector('.saved:has-text("None yet")');
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=JSON lines')]);
    assert.match(readFileSync(await file.path(), 'utf8'), /SELECT 1 AS one/);
  });

  test('who decides on a request can do so by the keyboard alone, on a page that can be used by everybody', async () => {
    const held = psql(opened.shop.through, ['-Atc', 'CREATE TABLE typed (id int)']);
    const page = await opened.signIn('dan', '/approvals', { viewport: { width: 390, height: 900 } });
    const focused = async (): Promise<string> => page.evaluate('document.activeElement?.textContent || document.activeElement?.labels?.[0]?.textContent || ""');
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let tabs = 0; !name.test(await focused()); tabs += 1) {
        assert.ok(tabs < 50, `the keyboard comes to ${String(name)}`);
        await page.keyboard.press('Tab');
      }
    };
    await page.waitForSelector('.found a');
    assert.deepEqual(await barriers(page), []);
    await tabTo(/^agent.*: postgres/);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.card');
    assert.deepEqual(await barriers(page), []);
    assert.equal(await page.evaluate('document.activeElement?.id'), 'page', 'a page that opens has the focus, so that it is read');
    const watching = await opened.signIn('ann', (await page.getAttribute('.card a[href^="/sessions/"]', 'href')) ?? assert.fail());
    await watching.click('button:text-is("Watch live")');
    await watching.waitForSelector('button:text-is("Pause")');
    await watching.waitForSelector('.asked:has-text("CREATE TABLE typed")');
    await tabTo(/^Note$/);
    await page.keyboard.type('as planned');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Approve');
    await page.keyboard.press('Enter');
    assert.equal((await held).stdout.trim(), 'CREATE TABLE');
    await page.waitForSelector('.card .mark:text-is("used")');
    const answer = watching.locator('.answer:has-text("waits for approval"):has-text("CREATE TABLE")');
    assert.match((await answer.textContent()) ?? '', /waits for approval.*\nCREATE TABLE$/, 'the notice and the answer are two lines');
    await page.waitForSelector('.card li:has-text("approved by corp/dan@"):has-text("as planned")');
    assert.equal(await page.evaluate('document.activeElement?.id'), 'page', 'after the decision the page that says it has the focus');
    assert.deepEqual(await barriers(page), []);
  });
});
