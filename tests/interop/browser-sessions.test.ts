import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { approve, audience, Browser, Issuer, webClient } from '../support/issuer.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

/** How a page of the gateway asks. */
const own = { 'sec-fetch-site': 'same-origin' };

describe('a browser that signs in at the gateway', () => {
  let issuer: Issuer;
  let gateway: GatewayProcess;
  let web: SampleServer;
  /** The cookies that came to the target behind the gateway. */
  const seen: (string | undefined)[] = [];
  let url: string;
  const parts = suiteParts();
  before(async () => {
    web = parts.use(
      await openServer(async (request, response) => {
        seen.push(request.headers.cookie);
        response.setHeader('set-cookie', ['own=1', 'countersign=forged; Path=/api', '=countersign=forged', '__Host-countersign=forged; Path=/; Secure']).end();
      }),
    );
    gateway = parts.use(await GatewayProcess.start({ config: 'principals: {}\n', environment: { WEB_SECRET: webClient.secret } }));
    url = `http://127.0.0.1:${gateway.port('http')}`;
    issuer = parts.use(await Issuer.open(`${url}/api/v1/logout/corp`));
    ['ann', 'bea', 'cem', 'dan'].forEach((person) => issuer.groups.set(person, ['compliance']));
    await gateway.apply(config());
  });

  const config = (more = ''): string => `targets: { web: { protocol: http, url: "${web.url}", durability: process } }
principals: { bot: { kind: agent, targets: [web] } }
groups: { compliance: { targets: [web] } }
roles: { analyst: { groups: [compliance] } }
identity:
  issuers:
    corp: { url: "${issuer.url}", clientId: ${webClient.id}, clientSecret: { env: WEB_SECRET }, audience: "${audience}", groups: groups, principal: email }
${more}`;

  async function signIn(person: string, query = '', browser = new Browser()): Promise<Browser> {
    await approve(`${url}/api/v1/sign-in?return=/console${query}`, person, 'approve', browser);
    assert.equal(browser.at, `${url}/console`);
    return browser;
  }

  async function ask(
    browser: Browser,
    path: string,
    { method = 'GET', headers = own, body }: { method?: string; headers?: Readonly<Record<string, string>>; body?: unknown } = {},
  ): Promise<Response> {
    return fetch(`${url}/api/v1/${path}`, {
      method,
      headers: { cookie: browser.cookie, 'content-type': 'application/json', connection: 'close', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Signs a browser in with a link of who has a token. */
  async function signInWith(token: string): Promise<Browser> {
    const { link }: { readonly link: string } = JSON.parse(await (await gateway.api('/api/v1/sign-in/link', { method: 'POST', body: {}, token })).text());
    const browser = new Browser();
    const answer = await ask(browser, 'sign-in/link/spend', { method: 'POST', body: { secret: new URL(link).hash.slice(1) } });
    browser.take(answer);
    return browser;
  }

  const status = async (browser: Browser, headers: Readonly<Record<string, string>> = own): Promise<number> =>
    (await ask(browser, 'whoami', { headers })).status;

  test('comes back as the person whom the issuer names, with a cookie that no script reads and no other page uses', async () => {
    const browser = await signIn('ann');
    const answer = await ask(browser, 'whoami');
    const { principal, groups, subject }: Record<string, unknown> = JSON.parse(await answer.text());
    assert.deepEqual([principal, groups, subject], ['corp/ann@corp.example', ['compliance'], 'ann']);
    const line = browser.given.find((each) => each.startsWith('countersign=')) ?? '';
    assert.match(line, /^countersign=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    assert.ok(!browser.cookie.includes('countersign-sign-in'), 'what it needed on the way is gone');
    const sessions = (await gateway.sessions('all')).filter(({ principal: of }) => of === null);
    const records = (await Promise.all(sessions.map(async ({ session }) => gateway.records(session)))).flat();
    assert.ok(records.some(({ action, attributes }) => action === 'gateway.sign_in' && attributes['user.id'] === 'corp/ann@corp.example'));
    assert.ok(!gateway.log.includes(webClient.secret));
  });

  test('C30: requests that another page causes are refused, whatever the browser says of them', async () => {
    const browser = await signIn('ann');
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: url.replace('127.0.0.1', 'localhost'), 'sec-fetch-site': 'same-site' },
    ]) {
      assert.equal(await status(browser, headers), 403, JSON.stringify(headers));
    }
    for (const headers of [{ 'sec-fetch-site': 'none' }, { accept: '*/*' }]) {
      assert.equal((await ask(browser, 'sign-out', { method: 'POST', headers, body: {} })).status, 403, JSON.stringify(headers));
    }
    assert.equal(await status(browser, { ...own, origin: url }), 200);
    assert.equal(await status(browser, { ...own, cookie: `${browser.cookie}; countersign=x` }), 401, 'a second cookie of the name is not believed');
  });

  test('B17: only the browser that began comes back, once, and to a page of the gateway', async () => {
    const [one, other] = [new Browser(), new Browser()];
    let back = '';
    one.onOpen = (address) => {
      back = address.includes('/callback?') ? address : back;
    };
    await signIn('ann', '', one);
    const callback = async (browser: Browser, address: string): Promise<number> =>
      (await fetch(address, { headers: { cookie: browser.cookie, connection: 'close' }, redirect: 'manual' })).status;
    assert.match(back, /code=/);
    assert.equal(await callback(other, back), 401, 'a browser that did not begin');
    const begun = (await fetch(`${url}/api/v1/sign-in`, { redirect: 'manual' })).headers.getSetCookie().join().split(';')[0] ?? '';
    const again = await fetch(back, { headers: { cookie: begun, connection: 'close' }, redirect: 'manual' });
    assert.equal(again.status, 401, 'the code of another sign-in');
    for (const page of [
      '/t/web/',
      '/./t/web/',
      '/a/%2e%2e/t/web/',
      '/.//evil.example',
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/a%0d\nb',
      'console',
    ]) {
      assert.equal((await fetch(`${url}/api/v1/sign-in?return=${encodeURIComponent(page)}`, { redirect: 'manual' })).status, 400, page);
    }
    assert.equal((await fetch(`${url}/api/v1/sign-in?issuer=none`, { redirect: 'manual' })).status, 404);
  });

  test('B24: no target sees the cookie, or sets one', async () => {
    const browser = await signIn('ann');
    const headers = { authorization: `Bearer ${await gateway.issueToken('bot')}`, cookie: `a=1; ${browser.cookie}; __Host-countersign=x`, connection: 'close' };
    const answer = await fetch(`${url}/t/web/`, { headers });
    assert.deepEqual([answer.status, answer.headers.getSetCookie()], [200, ['own=1']]);
    assert.equal(
      seen.join(),
      browser.cookie.split('; ').reduce((left, pair) => (pair.startsWith('countersign') ? left : `${left}; ${pair}`), 'a=1'),
    );
  });

  test('E48: signing out ends the session, and everywhere ends all that the person has', async () => {
    const [one, other, tool] = [await signIn('bea'), await signIn('bea'), await issuer.signIn('bea')];
    assert.equal((await ask(one, 'sign-out', { method: 'POST', body: {} })).status, 200);
    assert.deepEqual([await status(one), await status(other)], [401, 200]);
    const out = await gateway.api('/api/v1/sign-out', { method: 'POST', body: { everywhere: true }, token: tool });
    assert.equal(out.status, 200);
    assert.deepEqual([await status(other), (await gateway.api('/api/v1/whoami', { token: tool })).status], [401, 401]);
  });

  test('E48: who has signed out everywhere signs in again at once', async () => {
    // A token says in whole seconds when it was made, so some of these are made in the second of the sign-out.
    for (let time = 1; time <= 4; time += 1) {
      const browser = await signIn('bea');
      assert.equal((await ask(browser, 'sign-out', { method: 'POST', body: { everywhere: true } })).status, 200);
      const again = await signIn('bea');
      assert.deepEqual([await status(browser), await status(again)], [401, 200]);
    }
  });

  test('E48: what a browser watches ends with its session', async () => {
    const { session } = JSON.parse(await (await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot', recordOutput: true } })).text());
    const say = async (body: string): Promise<unknown> => gateway.api(`/api/v1/runs/${session}/output/stdout`, { method: 'POST', body });
    const browser = await signIn('ann');
    await say('before');
    const watched = (await ask(browser, `sessions/${session}/watch`)).body?.getReader() ?? assert.fail();
    assert.match(Buffer.from((await watched.read()).value ?? []).toString(), /before/);
    assert.equal((await ask(browser, 'sign-out', { method: 'POST', body: {} })).status, 200);
    await say('after');
    await assert.rejects(watched.read());
  });

  test('E48: whoever signs out at the issuer is out, and so is a browser that is left alone', async () => {
    await gateway.apply(config('  browser: { idle: 1s }'));
    const idle = await signIn('ann');
    await delay(1_500);
    assert.equal(await status(idle), 401);
    await gateway.apply(config());
    const browser = await signIn('ann');
    await issuer.signOut(browser);
    await waitUntil(async () => (await status(browser)) === 401);
  });

  test('E48: who has a token ends all sessions of browsers that were begun with it', async () => {
    const token = await gateway.issueToken('bot');
    const [one, other] = [await signInWith(token), await signInWith(token)];
    const ended = await ask(one, 'sign-out', { method: 'POST', body: { everywhere: true } });
    assert.deepEqual(JSON.parse(await ended.text()), { signedOut: 'bot', sessions: 2 });
    assert.deepEqual([await status(one), await status(other)], [401, 401]);
    assert.equal((await gateway.api('/api/v1/sign-out', { method: 'POST', body: { everywhere: true }, token })).status, 400);
  });

  test('the tokens stay in the gateway and are refreshed, so groups that are taken away are gone', async () => {
    issuer.tokenSeconds = 30;
    const browser = await signIn('dan');
    issuer.grants.length = 0;
    assert.equal((await ask(browser, 'search?query=verdict:deny')).status, 200);
    assert.ok(issuer.grants.includes('refresh_token'));
    issuer.groups.set('dan', []);
    assert.equal((await ask(browser, 'search?query=verdict:deny')).status, 403);
    issuer.tokenSeconds = 300;
    assert.ok(
      browser.given.every((line) => !/eyJ[\w-]+\.eyJ/.test(line)),
      'no token is in a cookie',
    );
  });

  test('what the configuration says needs a fresh sign-in, and the issuer asks for it again', async () => {
    const { session } = JSON.parse(await (await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot' } })).text());
    const stale = await signIn('cem');
    await delay(1_500);
    await gateway.apply(config('  fresh: { export: 1s, content: 1s }'));
    const refused = await ask(stale, `sessions/${session}/bundle`);
    assert.equal(refused.status, 401);
    assert.equal(JSON.parse(await refused.text()).code, 'sign_in_again');
    assert.equal((await ask(stale, `sessions/${session}/records`)).status, 200, 'facts are shown');
    const tool = await issuer.signIn('cem');
    await delay(1_500);
    const linked = await signInWith(tool);
    assert.match(await (await ask(linked, `sessions/${session}/bundle`)).text(), /"code":"sign_in_again"/, 'a link makes no sign-in newer');
    await gateway.apply(config('  fresh: { export: 1h }'));
    assert.equal((await ask(linked, `sessions/${session}/bundle`)).status, 200);
    assert.equal((await ask(stale, `sessions/${session}/bundle`)).status, 200);
    const pages: string[] = [];
    stale.onOpen = (address) => pages.push(address);
    await signIn('cem', '&fresh', stale);
    assert.ok(
      pages.some((address) => address.includes('/interaction/')),
      'the person was asked to sign in',
    );
    assert.equal((await gateway.api(`/api/v1/sessions/${session}/bundle`, { token: tool })).status, 200, 'a token says it by auth_time');
  });
});
