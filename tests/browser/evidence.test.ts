import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { encodeUtf8, formatTimestampLine } from '@countersign/ledger/format';
import { ConsoleShop } from '../support/console-shop.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { TimestampAuthority } from '../support/timestamp-authority.ts';

/** An identity of age that was made for this test, its recipient, and another identity. */
const identity = 'AGE-SECRET-KEY-158CY9PT686KM39F54P0WTN6T6AWEYY5C7H5PDXUZVTF6UL9JSUHSST9G7Z';
const recipient = 'age15zdaqjrl5nahyg8r24mld6mx4zg4vex6tqtxph2mpqx2tt8u434qrfl2w4';
const other = 'AGE-SECRET-KEY-1DHDQZEQTU7YJ42HC6LF0M92K4873DKJVV3N44TC3P820SHQXUKWQXTDF3L';

describe('evidence, in a browser without a network', requireProgram('chromium', 'psql'), () => {
  let opened: ConsoleShop;
  const parts = suiteParts();
  const file = (name: string): string => join(opened.shop.gateway.directory, name);

  before(async () => {
    opened = parts.use(await ConsoleShop.open("SELECT 'mia@example.org' AS secret"));
    await psql(opened.shop.through, ['-c', "SELECT '</script><img>' AS other"]);
  });

  function write(name: string, ...words: readonly string[]): { readonly sessions: number; readonly records: number; readonly withheld: number } {
    const { status, stdout, stderr } = opened.shop.gateway.cli(['export', 'evidence', ...words, '--out', file(name), '--json']);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  function verify(name: string, ...words: readonly string[]): { readonly status: number | null; readonly stdout: string } {
    return opened.shop.gateway.cli(['verify', file(name), ...words]);
  }

  async function show(name: string): Promise<Page> {
    const page = await opened.openPage({ offline: true });
    await page.goto(`file://${file(name)}`);
    await page.waitForSelector('h1');
    return page;
  }

  test('sessions are one page, which verifies itself, plays them and proves each record', async () => {
    assert.equal(write('all.html').sessions, 2);
    const { status, stdout } = verify('all.html', '--key', join(opened.shop.gateway.data, 'log', 'key'));
    assert.equal(status, 0, stdout);
    assert.match(stdout, /evidence of 2 sessions/);
    assert.match(stdout, /It does not prove: .* that all was kept and deleted as the rules say/);
    opened.faults.length = 0;
    const page = await show('all.html');
    await page.waitForSelector('h1:has-text("HOLDS: it is whole and signed")');
    await page.click('table a >> nth=0');
    await page.waitForSelector('text=How many are there?');
    assert.match(await page.innerText('main'), /mia@example\.org/);
    await page.click('.act .facts summary >> nth=0');
    await page.click('.facts button >> nth=0');
    await page.waitForSelector('.facts .mark:text-is("proven")');
    await page.click('button:text-is("Play")');
    await page.click('text=All sessions');
    await page.click('table a >> nth=1');
    await page.waitForSelector('text=</script><img>');
    assert.deepEqual(opened.faults, [`file://${file('all.html')}`], 'the page asks for nothing but itself');
  });

  test('what carries a class is withheld, and is proven to have been recorded', async () => {
    const typo = opened.shop.gateway.cli(['export', 'evidence', '--withhold', 'class:emial', '--out', file('typo.html')]);
    assert.match(typo.stderr, /Nothing would be withheld by class:emial: there is no class "emial": is email meant\?/);
    assert.deepEqual([typo.status, existsSync(file('typo.html'))], [1, false]);
    const vain = opened.shop.gateway.cli(['export', 'evidence', '--withhold', 'target:nowhere', '--out', file('vain.html')]);
    assert.match(vain.stderr, /^Nothing was left out/);
    const { withheld } = write('withheld.html', '--query', `session:${opened.session}`, '--withhold', 'class:email');
    assert.ok(withheld > 0);
    assert.equal(verify('withheld.html').status, 0);
    const text = readFileSync(file('withheld.html'), 'utf8');
    for (const form of ['utf8', 'base64'] as const) {
      assert.ok(!text.includes(Buffer.from('mia@example.org').toString(form).slice(0, 14)));
    }
    const page = await show('withheld.html');
    await page.waitForSelector(`text=${withheld} bodies were left out by who exported this, who asked to withhold: class:email.`);
    await page.click('table a >> nth=0');
    await page.waitForSelector('.act');
    assert.doesNotMatch(await page.innerText('main'), /mia@/);
  });

  test('a timestamp over the checkpoint holds by the certificate that is given in the page, and by no other', async () => {
    await using authority = await TimestampAuthority.open();
    await using stranger = await TimestampAuthority.open();
    write('unstamped.html');
    const lines = readFileSync(file('unstamped.html'), 'utf8').split('\n');
    const line = lines.find((each) => each.startsWith('{"checkpoint":')) ?? assert.fail('there is no checkpoint');
    const { checkpoint }: { readonly checkpoint: string } = JSON.parse(line);
    const token = authority.stamp(encodeUtf8(checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1)));
    const stampedLine = JSON.stringify({ checkpoint: checkpoint + formatTimestampLine('tsa.example', token) });
    const stamped = lines.map((each) => (each === line ? stampedLine : each));
    writeFileSync(file('stamped.html'), stamped.join('\n'));
    assert.equal(verify('stamped.html', '--timestamps', authority.file('ca.pem')).status, 0);
    const page = await show('stamped.html');
    await page.waitForSelector('text=By what time it was there');
    await page.waitForSelector('text=That all of the log was kept and deleted as its rules say');
    const give = async (pem: string): Promise<void> => {
      await page.fill('textarea[name=authority]', pem);
      await page.click('button:text-is("Check the timestamp")');
    };
    await give('none');
    await page.waitForSelector('text=This is no certificate in PEM');
    await give(readFileSync(authority.file('ca.pem'), 'utf8'));
    await page.waitForSelector('text=/All of it was there at .* ± 1 s.*Test timestamps/');
    await give(readFileSync(stranger.file('ca.pem'), 'utf8'));
    await page.waitForSelector('h1:has-text("NOT TRUSTED")');
  });

  test('a byte that is changed is told, and nothing is shown', async () => {
    write('whole.html', '--query', `session:${opened.session}`);
    const text = readFileSync(file('whole.html'), 'utf8');
    const at = text.indexOf('"plain":"') + 20;
    writeFileSync(file('changed.html'), `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`);
    assert.equal(verify('changed.html').status, 1);
    const page = await show('changed.html');
    await page.waitForSelector('h1:has-text("DOES NOT HOLD: something was changed")');
    assert.equal(await page.locator('table').count(), 0);
  });

  test('what is encrypted for an auditor opens with their identity alone, in the page and for the command', async () => {
    write('sealed.html', '--query', `session:${opened.session}`, '--for', recipient);
    writeFileSync(file('identity'), `# of the auditor\n${identity}\n`);
    writeFileSync(file('other'), other);
    assert.doesNotMatch(readFileSync(file('sealed.html'), 'utf8'), /"evidence":"countersign/);
    assert.equal(verify('sealed.html', '--identity', file('identity')).status, 0);
    assert.equal(verify('sealed.html').status, 5);
    assert.equal(verify('sealed.html', '--identity', file('other')).status, 5);
    const page = await show('sealed.html');
    await page.waitForSelector('h1:has-text("This evidence is encrypted")');
    await page.fill('input[name=identity]', other);
    await page.click('button:has-text("Decrypt")');
    await page.waitForSelector('[role=alert]:has-text("It is not opened")');
    await page.fill('input[name=identity]', readFileSync(file('identity'), 'utf8'));
    await page.click('button:has-text("Decrypt")');
    await page.waitForSelector('h1:has-text("HOLDS: it is whole and signed")');
  });
});
