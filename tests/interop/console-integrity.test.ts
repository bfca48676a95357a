import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Browser, Page, Route } from 'playwright-core';
import { writeGoldenStore } from '../../ledger/src/testdata/golden-store.ts';
import { openChromium } from '../support/chromium.ts';
import { audience, Issuer, webClient } from '../support/issuer.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { suiteParts } from '../support/suite-parts.ts';

const otherKey = 'countersign/0000000000000000+00000000+AQ==';

describe('the integrity of the log, in a browser', requireProgram('chromium', 'psql'), () => {
  let shop: Shop;
  let issuer: Issuer;
  let browser: Browser;
  let url: string;
  const parts = suiteParts();
  const faults: string[] = [];

  before(async () => {
    issuer = parts.use(await Issuer.open());
    issuer.groups.set('aud', ['auditors', 'compliance']);
    issuer.groups.set('ann', ['compliance']);
    const config = `groups: { auditors: {} }
roles: { analyst: { groups: [compliance] } }
identity:
  issuers:
    corp: { url: "${issuer.url}", clientId: ${webClient.id}, clientSecret: { env: WEB_SECRET }, audience: "${audience}", groups: groups, principal: email }
`;
    shop = parts.use(await openShop({ granted: '[shop]', config, gateway: { environment: { WEB_SECRET: webClient.secret } } }));
    url = `http://127.0.0.1:${shop.gateway.port('http')}`;
    browser = await openChromium();
    parts.defer(async () => browser.close());
    const { stdout } = await psql(shop.through, Array.from({ length: 150 }, (_, i) => ['-c', `SELECT ${i} AS said`]).flat());
    assert.match(stdout, /149/);
  });

  async function signIn(person: string, path: string): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(`${url}${path}`);
    await page.click('text=Sign in with corp');
    await page.fill('[name=login]', person);
    await page.fill('[name=password]', 'any');
    await page.click('[type=submit]');
    await page.click('[type=submit]');
    await page.waitForURL(`${url}${path}`);
    return page;
  }

  async function verify(page: Page): Promise<string> {
    await page.click('text=Verify in this browser');
    await page.waitForSelector('.verdict, main > .failure');
    return page.innerText('main');
  }

  /** Changes a byte of each file of the log on its way whose name matches, until it is taken back. */
  async function change(page: Page, files: string): Promise<() => Promise<void>> {
    const flip = async (route: Route): Promise<void> => {
      const body = Buffer.from(await (await shop.gateway.api(new URL(route.request().url()).pathname)).arrayBuffer());
      body[40] = (body[40] ?? 0) ^ 1;
      await route.fulfill({ body, contentType: 'application/octet-stream' });
    };
    await page.context().route(files, flip);
    return async () => page.context().unroute(files, flip);
  }

  test('the log is verified in the browser, again from what was verified before, and a byte that is changed on its way is found', async () => {
    const page = await signIn('aud', '/integrity');
    faults.length = 0;
    await page.waitForSelector('text=The gateway named this key when this browser first asked');
    const first = await verify(page);
    assert.match(first, /HOLDS: it is whole and signed/);
    const [, size = ''] = /The checkpoint signs ([\d,]+) entries/.exec(first) ?? [];
    assert.ok(Number(size.replace(',', '')) > 256, 'more than one tile, so that there is a level above');
    await psql(shop.through, ['-c', 'SELECT 1']);
    await page.reload();
    assert.match(await verify(page), new RegExp(`HOLDS[^]*It begins with the ${size} entries`));
    assert.deepEqual(faults, []);
    const takeBack = await change(page, '**/log/tile%2F0%2F000');
    const changed = await verify(page);
    assert.match(changed, /DOES NOT HOLD: something was changed[^]*integrity: log\/tile\/1\/000\.p\/\d hash 0 is not that of the leaves from 0 on/);
    assert.match(changed, /integrity: log\/checkpoint root is not that of the log/);
    await takeBack();
    assert.match(await verify(page), /HOLDS/);
    assert.equal(await page.locator('.epochs > li').count(), 1);
  });

  test('another key than the one that is known is said so and not trusted; one that a person gives is', async () => {
    const page = await signIn('aud', '/integrity');
    const key = await page.innerText('code.key');
    await page.fill('.note input', otherKey);
    await page.click('button:has-text("Trust this key")');
    await page.waitForSelector('[role=alert]:has-text("This is no key")');
    await page.fill('.note input', writeGoldenStore().writer.signer.vkey);
    await page.click('button:has-text("Trust this key")');
    await page.waitForSelector('[role=alert]:has-text("THE KEY HAS CHANGED")');
    assert.match(await verify(page), /NOT TRUSTED[^]*trust: log\/key not a trusted key/);
    await page.fill('.note input', key);
    await page.click('button:has-text("Trust this key")');
    assert.match(await verify(page), /HOLDS/);
    assert.match(await page.innerText('main'), /You gave this key/);
  });

  test('a worker has the policy of the page, which allows no other address to become code', async () => {
    const page = await signIn('aud', '/integrity');
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

  test('who may not read the log is told so', async () => {
    const page = await signIn('ann', '/integrity');
    await page.waitForSelector('main [role=alert]');
    assert.equal(await page.locator('text=Verify in this browser').count(), 0);
  });
});
