import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { writeGoldenStore } from '../../ledger/src/testdata/golden-store.ts';
import { ConsoleShop } from '../support/console-shop.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';

const otherKey = 'countersign/0000000000000000+00000000+AQ==';

describe('the integrity of the log, in a browser', requireProgram('chromium', 'psql'), () => {
  let opened: ConsoleShop;
  /** The key with which the log began. */
  let firstKey = '';
  const parts = suiteParts();

  before(async () => {
    opened = parts.use(await ConsoleShop.open('SELECT 1 AS one'));
    const { stdout } = await psql(opened.shop.through, Array.from({ length: 150 }, (_, i) => ['-c', `SELECT ${i} AS said`]).flat());
    assert.match(stdout, /149/);
    firstKey = (await (await opened.shop.gateway.api('/log/key')).text()).trim();
  });

  async function verify(page: Page): Promise<string> {
    await page.click('text=Verify in this browser');
    await page.waitForSelector('.verdict, .verification .failure');
    return page.innerText('main');
  }

  /** Changes a byte of each file of the log on its way whose name matches, until it is taken back. */
  async function change(page: Page, files: string): Promise<() => Promise<void>> {
    const flip = async (route: Route): Promise<void> => {
      const body = Buffer.from(await (await opened.shop.gateway.api(new URL(route.request().url()).pathname)).arrayBuffer());
      body[40] = (body[40] ?? 0) ^ 1;
      await route.fulfill({ body, contentType: 'application/octet-stream' });
    };
    await page.context().route(files, flip);
    return async () => page.context().unroute(files, flip);
  }

  test('the log is verified in the browser, again from what was verified before, and a byte that is changed on its way is found', async () => {
    const page = await opened.signIn('aud', '/integrity');
    opened.faults.length = 0;
    await page.waitForSelector('text=The gateway named this key when this browser first asked');
    const first = await verify(page);
    assert.match(first, /HOLDS: it is whole and signed/);
    const [, size = ''] = /The checkpoint signs ([\d,]+) entries/.exec(first) ?? [];
    assert.ok(Number(size.replace(',', '')) > 256, 'more than one tile, so that there is a level above');
    await psql(opened.shop.through, ['-c', 'SELECT 1']);
    await page.reload();
    assert.match(await verify(page), new RegExp(`HOLDS[^]*It begins with the ${size} entries`));
    assert.deepEqual(opened.faults, []);
    const takeBack = await change(page, '**/log/tile%2F0%2F000');
    const changed = await verify(page);
    assert.match(changed, /DOES NOT HOLD: something was changed[^]*integrity: log\/tile\/1\/000\.p\/\d hash 0 is not that of the leaves from 0 on/);
    assert.match(changed, /integrity: log\/checkpoint root is not that of the log/);
    await takeBack();
    assert.match(await verify(page), /HOLDS/);
    await page.waitForSelector('main:has-text("No witnesses are configured")');
    await page.waitForSelector('.epochs > li');
    assert.equal(await page.locator('.epochs > li').count(), 1);
  });

  test('another key than the one that is known is said so and not trusted; one that a person gives is', async () => {
    const page = await opened.signIn('aud', '/integrity');
    const key = await page.innerText('code.key');
    await page.fill('.note input', otherKey);
    await page.click('button:has-text("Trust this key")');
    await page.waitForSelector('[role=alert]:has-text("This is no key")');
    assert.match(await verify(page), /HOLDS/);
    await page.fill('.note input', writeGoldenStore().writer.signer.vkey);
    await page.click('button:has-text("Trust this key")');
    await page.waitForSelector('[role=alert]:has-text("THE KEY HAS CHANGED")');
    assert.equal(await page.locator('.verdict').count(), 0, 'a verdict under another key does not stay');
    assert.match(await verify(page), /NOT TRUSTED[^]*trust: log\/key not a trusted key/);
    await page.fill('.note input', key);
    await page.click('button:has-text("Trust this key")');
    assert.match(await verify(page), /HOLDS/);
    assert.match(await page.innerText('main'), /You gave this key/);
  });

  test('the key is rotated: a browser that knows the one before follows the keyring, and the log and its receipts hold', async () => {
    const page = await opened.signIn('aud', '/integrity');
    const known = await page.innerText('code.key');
    assert.match(await verify(page), /HOLDS/);
    const { status, stderr } = opened.shop.gateway.command(['key', 'rotate', 'signing', '--reason', 'a test']);
    assert.equal(status, 0, stderr);
    const now = (await (await opened.shop.gateway.api('/log/key')).text()).trim();
    assert.notEqual(now, known);
    await page.reload();
    await page.waitForSelector(`code.key:text-is("${now}")`);
    await page.waitForSelector('[role=alert]', { state: 'detached' });
    assert.equal(await page.locator('code.key').count(), 1, 'it has not changed for this browser: it was rotated');
    assert.match(await verify(page), /HOLDS[^]*It begins with the [\d,]+ entries/);
  });

  test('a record is proven in the browser by its receipt, and not by that of another', async () => {
    const page = await opened.signIn('aud', '/sessions');
    await page.click('table >> text=SELECT 0 AS said');
    const facts = page.locator('.act .facts >> nth=0');
    await facts.locator('summary').click();
    await facts.locator('button >> nth=0').click();
    await page.waitForSelector('.facts .mark:text-is("proven")');
    assert.match(await facts.innerText(), /HOLDS: the record is in the log, which is signed\. The checkpoint at [\d,]+ entries proves it\./);
    await page.context().route('**/api/v1/receipts/**', async (route) => {
      const path = new URL(route.request().url()).pathname.replace(/\d+$/, '0');
      await route.fulfill({ body: await (await opened.shop.gateway.api(path)).text() });
    });
    await facts.locator('button >> nth=0').click();
    await page.waitForSelector('.facts .mark:text-is("not proven")');
    assert.match(await facts.innerText(), /receipt is not that of record/);
  });

  test('the evidence of a session is a page that verifies itself without a network, also with a key of before', async () => {
    const page = await opened.signIn('aud', `/sessions/${opened.session}`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Evidence that verifies itself')]);
    const file = join(opened.shop.gateway.directory, 'evidence.html');
    await download.saveAs(file);
    const reader = await opened.openPage({ offline: true });
    await reader.goto(`file://${file}`);
    await reader.waitForSelector('h1:has-text("HOLDS: it is whole and signed")');
    await reader.click('table a');
    await reader.waitForSelector('text=How many are there?');
    await reader.fill('input[name=key]', firstKey);
    await reader.click('button:has-text("Trust this key")');
    await reader.waitForSelector('header:has-text("HOLDS: it is whole and signed"):has-text("It is signed by the key that you gave")');
    await reader.fill('input[name=key]', writeGoldenStore().writer.signer.vkey);
    await reader.click('button:has-text("Trust this key")');
    await reader.waitForSelector('h1:has-text("NOT TRUSTED")');
  });

  test('a worker has the policy of the page, which allows no other address to become code', async () => {
    const page = await opened.signIn('aud', '/integrity');
    const names = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    const script = names.find((name) => /\/assets\/.*\.js$/.test(name)) ?? assert.fail('no script');
    const policy = (await fetch(script)).headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'.*trusted-types worker$/);
    assert.doesNotMatch(policy, /unsafe/);
    for (const attack of [
      'new Worker("/assets/other.js")',
      'window.trustedTypes.createPolicy("other", {})',
      'window.trustedTypes.createPolicy("worker", {})',
    ]) {
      assert.match(await page.evaluate(`(() => { try { ${attack}; return 'done' } catch (error) { return error.name } })()`), /TypeError/, attack);
    }
  });

  test('who may not read the whole log is told so, and proves a record with the key, which everybody may read', async () => {
    const page = await opened.signIn('ann', '/integrity');
    opened.faults.length = 0;
    await page.waitForSelector('main [role=status]:has-text("Members of the group auditors")');
    await page.waitForSelector('code.key');
    assert.equal(await page.locator('text=Verify in this browser').count(), 0);
    await page.click('nav >> text=Sessions');
    await page.click('table >> text=SELECT 0 AS said');
    const facts = page.locator('.act .facts >> nth=0');
    await facts.locator('summary').click();
    await facts.locator('button >> nth=0').click();
    await page.waitForSelector('.facts .mark:text-is("proven")');
    assert.deepEqual(opened.faults, []);
  });
});
