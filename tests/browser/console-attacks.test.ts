import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ConsoleShop } from '../support/console-shop.ts';
import { requireProgram } from '../support/require-program.ts';
import { suiteParts } from '../support/suite-parts.ts';

describe('attacks on who uses the console', requireProgram('chromium', 'psql'), () => {
  let opened: ConsoleShop;
  let url: string;
  const parts = suiteParts();

  before(async () => {
    opened = parts.use(await ConsoleShop.open('SELECT 1', { keepsPages: true }));
    ({ url } = opened);
  });

  test('C30: whatever roles a client makes up, the session is shown with all that was said', async () => {
    const begun = await opened.shop.gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
    const run: { readonly session: string; readonly token: string } = JSON.parse(await begun.text());
    const messages = ['__proto__', 'constructor', 'user'].map((role) => ({ role, content: `said as ${role}` }));
    const answer = await fetch(`${url}/t/model/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${run.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'scripted-1', messages }),
    });
    await answer.text();
    const page = await opened.signIn('ann', `/sessions/${run.session}`);
    opened.faults.length = 0;
    await page.waitForSelector('.timeline .event:has-text("open")');
    for (const { role, content } of messages) {
      assert.ok((await page.innerText('.timeline')).includes(content), role);
    }
    assert.deepEqual(opened.faults, []);
  });

  test('E48: who goes back after the sign-out sees nothing of what was shown, although the browser keeps pages', async () => {
    const page = await opened.signIn('ann', `/sessions/${opened.session}`);
    await page.waitForSelector('.message.user');
    await page.evaluate("addEventListener('pageshow', ({ persisted }) => sessionStorage.setItem('shown', `${persisted} ${document.body.innerText}`))");
    await page.click('text=Sign out');
    await page.waitForURL(`${url}/sign-in?return=/`);
    await page.evaluate('history.back()');
    await page.waitForURL((address) => address.searchParams.get('return') === `/sessions/${opened.session}`);
    assert.equal(await page.evaluate("sessionStorage.getItem('shown').trim()"), 'true', 'the browser has kept the page, and nothing was in it');
  });
});
