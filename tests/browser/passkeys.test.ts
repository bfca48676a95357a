import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import type { PasskeySummary } from '../../gateway/src/api/endpoints/list-passkeys.ts';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { openChromium, openPersonsPage, type PersonsPage } from '../support/chromium.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { audience, Issuer, webClient } from '../support/issuer.ts';
import { mainFile } from '../support/main-file.ts';
import { requireProgram } from '../support/require-program.ts';
import { runProgram } from '../support/run.ts';
import { postAsPage, signFor, type KnownPasskey } from '../support/soft-authenticator.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A page of a target that tries to act as whoever is signed in at the gateway, whose origin it has. */
const hostilePage = `<!doctype html><title>hostile</title><p id="who">nobody</p><script>
  const steal = async () => {
    document.getElementById('who').textContent = await (await fetch('/api/v1/whoami')).text();
    await fetch('/api/v1/sign-out', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"everywhere":true}' });
  };
  steal();
</script><form id="form" method="post" action="/api/v1/sign-out" enctype="text/plain"><input name='{"everywhere":true,"' value='":1}'></form><script>form.submit()</script>`;

interface Answer {
  readonly status: number;
  readonly text: string;
}

describe('a local administrator with a passkey', requireProgram('chromium'), () => {
  let gateway: GatewayProcess;
  let browser: Browser;
  let issuer: Issuer;
  let web: SampleServer;
  let url: string;
  let ann: PersonsPage;
  let bea: PersonsPage;
  const parts = suiteParts();
  before(async () => {
    web = parts.use(
      await openServer(async (_request, response) => {
        response.setHeaders(
          new Map([
            ['content-type', 'text/html'],
            ['clear-site-data', '"cookies"'],
            ['set-cookie', '=countersign=forged'],
          ]),
        );
        response.end(hostilePage);
      }),
    );
    gateway = parts.use(await GatewayProcess.start({ config: 'principals: {}\n', environment: { WEB_SECRET: webClient.secret } }));
    url = `http://localhost:${gateway.port('http')}`;
    issuer = parts.use(await Issuer.open());
    await gateway.apply(config());
    browser = await openChromium();
    parts.defer(async () => browser.close());
    [ann, bea] = [await openPersonsPage(browser), await openPersonsPage(browser)];
  });

  const config = (more = ''): string => `targets: { web: { protocol: http, url: "${web.url}", durability: process } }
principals: { bot: { kind: agent, targets: [web] } }
identity:
  issuers:
    corp: { url: "${issuer.url}", clientId: ${webClient.id}, clientSecret: { env: WEB_SECRET }, audience: "${audience}", principal: email }
${more}`;

  const says = async (page: Page, words: string): Promise<unknown> => page.waitForSelector(`#said:has-text("${words}")`);

  const whoIs = async (page: Page): Promise<string | null> => {
    await page.goto(`${url}/sign-in`);
    return (await page.locator('strong').count()) === 0 ? null : page.innerText('strong');
  };

  async function openLink(page: Page, link: string): Promise<void> {
    await page.goto('about:blank');
    await page.goto(link);
  }

  async function usePasskey(page: Page): Promise<void> {
    const loaded = page.waitForEvent('load');
    await page.click('#passkey');
    await loaded;
    await page.waitForSelector('#sign-out');
  }

  /** Asks the API from a page. */
  const ask = async (path: string, { page } = ann): Promise<Answer> =>
    page.evaluate(async (address) => {
      const answer = await fetch(address);
      return { status: answer.status, text: await answer.text() };
    }, `/api/v1/${path}`);

  const keyOf = async ({ devtools, authenticatorId }: PersonsPage): Promise<KnownPasskey> => {
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });
    return credentials[0] ?? assert.fail('there is no passkey');
  };

  const ownRecords = async (): Promise<readonly ShownRecord[]> => {
    const sessions = (await gateway.sessions('all')).filter(({ principal }) => principal === null);
    return (await Promise.all(sessions.map(async ({ session }) => gateway.records(session)))).flat();
  };

  const invite = (name: string): string => {
    const { status, stdout, stderr } = gateway.command(['passkey', 'invite', name]);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };

  test('the first start prints a link; the passkey that is registered behind it signs in, and the link is dead', async () => {
    const [link = '', ...others] = gateway.printed.match(/^http:\S+\/passkey#\S+$/gm) ?? [];
    assert.deepEqual(others, []);
    assert.ok(link.startsWith(`${url}/passkey#`));
    const { page } = ann;
    await openLink(page, link);
    await page.waitForSelector('#register:visible');
    assert.equal(page.url(), `${url}/passkey`, 'the secret is not in the history');
    await page.fill('#name', 'Ann Lee');
    await page.click('#register');
    await says(page, 'a name is 1 to 63 small letters');
    await page.fill('#name', 'ann');
    await page.click('#register');
    await says(page, 'Done: local/ann has a passkey.');
    await page.click('#next');
    await usePasskey(page);
    assert.equal(await whoIs(page), 'local/ann');
    await openLink(page, link);
    await says(page, 'This link does not count');
    const told = (await ownRecords()).flatMap(({ action, attributes }) =>
      ['gateway.invite_administrator', 'gateway.add_passkey', 'gateway.sign_in'].includes(action ?? '') ? [[action, attributes['user.id']]] : [],
    );
    assert.deepEqual(told, [
      ['gateway.invite_administrator', 'operator'],
      ['gateway.add_passkey', 'local/ann'],
      ['gateway.sign_in', 'local/ann'],
    ]);
  });

  test('administers and reads no content, with a cookie that no script reads', async () => {
    const run = await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot', recordOutput: true } });
    const { session } = JSON.parse(await run.text());
    await gateway.api(`/api/v1/runs/${session}/output/stdout`, { method: 'POST', body: 'the canary sings' });
    const { principal, kind, may } = JSON.parse((await ask('whoami')).text);
    assert.deepEqual([principal, kind, may], ['local/ann', 'human', ['list', 'search', 'facts', 'watch', 'halt', 'approve', 'hold', 'erase', 'administer']]);
    assert.match((await ask('sessions')).text, new RegExp(session));
    const records = await ask(`sessions/${session}/records`);
    assert.deepEqual([records.status, records.text.includes('canary')], [200, false]);
    const [cookie] = await ann.page.context().cookies();
    assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], ['countersign', true, 'Strict']);
    assert.equal(await ann.page.evaluate('document.cookie'), '');
  });

  test('the pages run their own script alone, fit into 320 px, and every control has a name', async () => {
    for (const path of ['/sign-in', '/passkey']) {
      const answer = await ann.page.goto(url + path);
      const policy = answer?.headers()['content-security-policy'] ?? '';
      assert.match(policy, /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self'; .*frame-ancestors 'none'/);
      assert.equal(await ann.page.evaluate('document.documentElement.scrollWidth'), 320);
      const names = await ann.page.evaluate(
        'Array.from(document.querySelectorAll("button, a, input"), (each) => (each.closest("label") ?? each).textContent.trim())',
      );
      assert.ok(Array.isArray(names) && names.length > 1 && !names.includes(''), String(names));
      await assert.rejects(ann.page.addScriptTag({ content: 'document.title = "other"' }), path);
    }
  });

  test('somebody else is invited by the operator alone, and who has a passkey gets another one', async () => {
    const { page } = bea;
    await openLink(page, invite('bea'));
    await page.waitForSelector('#register:visible');
    assert.match(await page.innerText('main'), /This link is for bea/);
    await page.click('#register');
    await says(page, 'Done: local/bea has a passkey.');
    await page.click('#next');
    await usePasskey(page);
    const refused = await page.evaluate(async () => (await fetch('/api/v1/passkeys/invitations', { method: 'POST', body: '{"name":"eve"}' })).status);
    assert.equal(refused, 403);
    const second = await openPersonsPage(browser);
    await openLink(second.page, invite('bea'));
    await second.page.click('#register');
    await says(second.page, 'Done: local/bea has a passkey.');
    const unverified = await openPersonsPage(browser, false);
    await openLink(unverified.page, invite('cem'));
    await unverified.page.click('#register');
    await says(unverified.page, 'No passkey was used');
    const listed = gateway.command(['passkey', 'list', '--json']).stdout.trim().split('\n');
    assert.deepEqual(
      listed.map((line) => JSON.parse(line)).map(({ principal, used }) => [principal, used === null]),
      [
        ['local/ann', false],
        ['local/bea', false],
        ['local/bea', true],
      ],
    );
  });

  test('countersign login signs in with the passkey on a page of the gateway', async () => {
    const environment = { XDG_STATE_HOME: gateway.directory, COUNTERSIGN_TOKEN: '', BROWSER: 'true' };
    const command = async (...words: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await runProgram(process.execPath, [mainFile, ...words, '--url', url], environment);
      return stdout + stderr;
    };
    const child = spawn(process.execPath, [mainFile, 'login', '--url', url, '--issuer', 'local'], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, [said]] = [text(child.stdout), await once(child.stderr, 'data')];
    await bea.page.goto(/Open (\S+) in a browser/.exec(String(said))?.[1] ?? assert.fail(String(said)));
    assert.match(await bea.page.innerText('main'), /This signs in countersign login on this machine\. If you did not start it, close this page\./);
    await bea.page.click('#passkey');
    await bea.page.waitForSelector('text=This page can be closed.');
    assert.match(await output, /^signed in at \S+: local\/bea {2}human {2}admins /);
    assert.match(await command('whoami'), /^local\/bea {2}human /);
    assert.match(await command('logout'), /^signed out at /);
    assert.equal((await gateway.api('/api/v1/tokens').then(async (answer) => answer.text())).match(/"revoked":"/g)?.length, 1);
  });

  test('who is suspended is out at once, and does not sign in before it is resumed', async () => {
    await bea.page.goto(`${url}/sign-in`);
    await usePasskey(bea.page);
    assert.equal(gateway.command(['principal', 'suspend', 'local/bea']).status, 0);
    assert.equal(await whoIs(bea.page), null);
    await bea.page.click('#passkey');
    await says(bea.page, 'local/bea is suspended');
    assert.equal(gateway.command(['principal', 'resume', 'local/bea']).status, 0);
    await usePasskey(bea.page);
    await gateway.apply(config('  browser: { idle: 1s }\n'));
    await delay(1_100);
    assert.equal(await whoIs(bea.page), null, 'it was left alone');
    await gateway.apply(config());
    await usePasskey(bea.page);
  });

  test('a person of an issuer signs in on the same page', async () => {
    const { page } = await openPersonsPage(browser);
    await page.goto(`${url}/sign-in`);
    await page.click('text=Sign in with corp');
    await page.fill('[name=login]', 'dan');
    await page.fill('[name=password]', 'any');
    await page.click('[type=submit]');
    await page.click('[type=submit]');
    await page.waitForURL(`${url}/sign-in`);
    assert.equal(await page.innerText('strong'), 'corp/dan@corp.example');
    await page.click('#sign-out');
    await page.waitForSelector('#sign-out', { state: 'detached' });
  });

  test('C30: a page of a target, which has the origin of the gateway, does not act as who is signed in', async () => {
    const { page } = ann;
    const token = await gateway.issueToken('bot');
    const answer = await page.goto(`${url.replace('//', `//bot:${token}@`)}/t/web/`);
    assert.equal(answer?.status(), 200);
    assert.equal(await page.innerText('#who'), 'nobody');
    await page.waitForLoadState('networkidle');
    assert.equal(await whoIs(page), 'local/ann');
    const plain = await fetch(`${url}/t/web/`, { headers: { authorization: `Bearer ${token}`, connection: 'close' } });
    assert.equal(plain.headers.get('content-security-policy'), null, 'other clients get what the target sent');
  });

  test('what needs a fresh sign-in asks for the passkey again', async () => {
    const { session } = JSON.parse(await (await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot' } })).text());
    const bundle = async (): Promise<string> => (await ask(`sessions/${session}/bundle`)).text;
    const saved = async (): Promise<string> =>
      ann.page.evaluate(
        async (body) => (await fetch('/api/v1/policy/files/a.cedar', { method: 'PUT', body })).text(),
        JSON.stringify({ text: '', sha256: null }),
      );
    const roles = 'roles: { reading: { role: analyst, groups: [admins] } }\n';
    await gateway.apply(config(`  fresh: { export: 1s, policies: 1s }\n${roles}`));
    await delay(1_100);
    assert.match(await bundle(), /"code":"sign_in_again"/);
    assert.match(await saved(), /"code":"sign_in_again"/);
    await gateway.apply(config(`  fresh: { export: 1h, policies: 1h }\n${roles}`));
    assert.match(await bundle(), /^\{"bundle":/);
    assert.match(await saved(), /names no directory.*"code":"unsupported"/);
    await gateway.apply(config());
  });

  test('B17: what was signed for another page, challenge or place, without its user, or before, does not count, nor what was removed', async () => {
    const [own, removed] = [await keyOf(ann), await keyOf(bea)];
    const path = '/api/v1/sign-in/passkey';
    const honest = await signFor(url, own);
    const foreign = await postAsPage(url, path, honest, { headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' } });
    assert.equal(foreign.status, 403);
    const good = await postAsPage(url, path, honest);
    assert.deepEqual([good.status, good.cookies.length], [200, 1], good.text);
    const listed: readonly PasskeySummary[] = JSON.parse((await ask('passkeys')).text);
    const { id = '' } = listed.find(({ principal }) => principal === 'local/bea') ?? {};
    assert.match(gateway.command(['passkey', 'remove', id]).stdout, /^removed \S+ of local\/bea\n$/);
    assert.equal(await whoIs(bea.page), null, 'all that bea is signed in with has ended');
    const used = { ...own, signCount: own.signCount + 1 };
    const forged = await Promise.all([
      signFor(url, used, { origin: 'http://evil.example' }),
      signFor(url, used, { origin: url.replace(/\d+$/, '1') }),
      signFor(url, used, { rpId: 'evil.example' }),
      signFor(url, used, { challenge: 'b3RoZXI' }),
      signFor(url, used, { isVerified: false }),
      signFor(url, used, { type: 'webauthn.create' }),
      signFor(url, used, { userHandle: removed.userHandle ?? '' }),
      signFor(url, used, { counter: own.signCount }),
      signFor(url, { ...used, credentialId: Buffer.from('another passkey').toString('base64') }),
      signFor(url, removed),
    ]);
    const replayed = [honest, { ...honest, credential: (await signFor(url, used)).credential }];
    const refused = await Promise.all([...forged, ...replayed].map(async (each, i) => postAsPage(url, path, each, { from: `127.0.1.${1 + i}` })));
    assert.deepEqual(
      refused.map(({ status }) => status),
      refused.map(() => 401),
    );
    assert.equal(new Set(refused.slice(0, forged.length).map((answer) => answer.text)).size, 1, 'a passkey that is not known is refused like one that is');
    const { devtools, authenticatorId } = ann;
    await devtools.send('WebAuthn.removeCredential', { authenticatorId, credentialId: own.credentialId });
    await devtools.send('WebAuthn.addCredential', { authenticatorId, credential: used });
  });

  test('signing out everywhere and a restart end the sign-in; the next start prints no link', async () => {
    const { page } = ann;
    await page.goto(`${url}/sign-in`);
    await page.click('#everywhere');
    await page.waitForSelector('#sign-out', { state: 'detached' });
    const tokens: readonly { readonly id: string; readonly principal: string }[] = JSON.parse(await (await gateway.api('/api/v1/tokens')).text());
    assert.ok(tokens.some(({ principal }) => principal === 'local/ann'));
    await waitUntil(async () =>
      (await ownRecords()).some(({ action, attributes }) => action === 'gateway.end_sign_ins' && attributes['user.id'] === 'local/ann'),
    );
    await gateway.signal('SIGTERM');
    await gateway.start();
    assert.equal(gateway.printed.match(/\/passkey#/g)?.length, 1);
    url = `http://localhost:${gateway.port('http')}`;
    await page.goto(`${url}/sign-in`);
    await usePasskey(page);
    assert.equal(await page.innerText('strong'), 'local/ann');
  });
});
