import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { barriers } from '../support/barriers.ts';
import { ConsoleShop } from '../support/console-shop.ts';
import { requireProgram } from '../support/require-program.ts';
import { psql } from '../support/run.ts';
import { suiteParts } from '../support/suite-parts.ts';

const stricter = '@id("nothing")\n@reason("Agents do nothing here.")\nforbid (principal in Group::"agents", action == Action::"postgres.query", resource);\n';

describe('policies, in a browser', requireProgram('chromium', 'psql'), () => {
  let opened: ConsoleShop;
  let page: Page;
  const parts = suiteParts();

  before(async () => {
    opened = parts.use(await ConsoleShop.open('SELECT 1 AS one'));
    page = await opened.signIn('ada', '/policies');
    opened.faults.length = 0;
  });

  async function write(text: string, on = page): Promise<void> {
    await on.click('.cm-content');
    await on.keyboard.press('Control+a');
    await on.keyboard.press('Delete');
    await on.keyboard.insertText(text);
  }

  test('a fault is seen at its line, an annotation and a name are completed, and the keyboard comes out of the editor', async () => {
    await write('forbid (principal, action, resource)\nwhen { context.efects.contains("write") };\n');
    await page.click('.findings button:has-text("changes.cedar:2:8")');
    await page.waitForSelector('.cm-activeLine:has-text("efects") .cm-lintRange-error');
    assert.match(await page.innerText('.findings'), /is effects meant/);
    assert.match(await page.innerText('.checked'), /1 fault/);
    await write('');
    await page.keyboard.type('@rea');
    await page.waitForSelector('.cm-tooltip-autocomplete [aria-selected]:has-text("@reason")');
    await page.waitForTimeout(100);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.keyboard.type('permit (principal, action, resource == Target::"sh');
    await page.waitForSelector('.cm-tooltip-autocomplete [aria-selected]:has-text("Target::\\"shop\\"")');
    await page.waitForTimeout(100);
    await page.keyboard.press('Enter');
    assert.match((await page.locator('.cm-line').allInnerTexts()).join('\n'), /^@reason\(".+"\)\npermit \(principal, action, resource == Target::"shop"/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    assert.notEqual(await page.evaluate('document.activeElement.className'), 'cedar');
  });

  test('nothing in the editor is invisible', async () => {
    await write('// \u202Bturned\u2068 "ann\u200D" \u2060\u3164\u{E0041}\n');
    await page.waitForSelector('.cm-line:has-text("turned")');
    assert.deepEqual(await page.locator('.cm-specialChar').allInnerTexts(), ['202B', '2068', '200D', '2060', '3164', 'E0041']);
  });

  test('a stricter policy is tried on what was recorded, explained, tested and saved; the next request is decided by it, and the history names who', async () => {
    await write(stricter);
    await page.waitForSelector('.checked:has-text("without a fault")');
    await page.click('.tools button:text-is("Try")');
    await page.waitForSelector('.changed tr:has-text("agent"):has-text("shop"):has-text("allow → deny"):has-text("changes.cedar:nothing")');
    await page.waitForSelector('.tools [role=status]:has-text("would have been decided otherwise."):not(:has-text("so far"))');
    assert.deepEqual(await barriers(page), []);
    await page.click('.tools nav >> text=Explain');
    await page.fill('.request input >> nth=0', 'agent');
    await page.fill('.request input >> nth=1', 'shop');
    await page.fill('.request input >> nth=2', 'postgres.query');
    await page.fill('.request textarea', 'SELECT 1');
    await page.click('.request button');
    await page.waitForSelector('.tools pre:has-text("Agents do nothing here.")');
    await page.click('.tools nav >> text="Test"');
    await page.fill('.tools textarea', '- { principal: agent, target: shop, action: postgres.query, text: "SELECT 1", expect: allow }');
    await page.click('.tools button:text-is("Test")');
    await page.waitForSelector('.tools li:has-text("allow was expected, the verdict is deny")');
    assert.equal((await psql(opened.shop.through, ['-Atc', 'SELECT 1'])).stdout.trim(), '1', 'nothing is in force yet');

    assert.deepEqual(opened.faults, []);
    const other = await opened.signIn('ada', '/policies');
    opened.faults.length = 0;
    await other.waitForSelector('.cm-content');
    await write('// mine\n', other);
    await page.click('.tools nav >> text=History');
    await page.waitForSelector('.tools li:has-text("from the files")');
    await page.click('text=Save and put into force');
    await page.waitForSelector('[role=status]:has-text("Saved and in force")');
    assert.match((await psql(opened.shop.through, ['-Atc', 'SELECT 1'])).stderr, /Agents do nothing here/);
    await page.setViewportSize({ width: 390, height: 900 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForSelector('.tools li:has-text("ada"):has-text("saved changes.cedar"):has-text("+changes.cedar:nothing")');
    await page.click('.tools li:has-text("ada") summary');
    await page.waitForSelector('.diff .new:has-text("Agents do nothing here.")');
    await page.evaluate('scrollTo(0, 0)');
    assert.deepEqual(await barriers(page), []);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.deepEqual(opened.faults, []);

    await other.waitForSelector('.checked:has-text("without a fault")');
    await other.click('text=Save and put into force');
    await other.waitForSelector('[role=alert]:has-text("was changed meanwhile")');
    await other.waitForSelector('.diff .old:has-text("Agents do nothing here.")');
    assert.ok(await other.isDisabled('text=Save and put into force'));
    await other.click('text=Discard the change');
    await other.waitForSelector('.cm-line:has-text("Agents do nothing here.")');
  });

  test('what is written is still there after the page was left for a sign-in, and for nobody else', async () => {
    await write('// not saved\n');
    await page.waitForSelector('.files li:has-text("not saved")');
    await page.reload();
    await page.waitForSelector('.cm-line:has-text("// not saved")');
    await page.click('text=Discard the change');
    await page.waitForSelector('.cm-line:has-text("Agents do nothing here.")');
  });

  test('where policies are not saved here it is said, and what was written is taken away as a file', async () => {
    const { gateway } = opened.shop;
    writeFileSync(gateway.configFile, `${readFileSync(gateway.configFile, 'utf8')}savePolicies: false\n`);
    gateway.cli(['config', 'apply']);
    await page.reload();
    await page.waitForSelector('.fault:has-text("savePolicies: false")');
    await write('// elsewhere\n');
    await page.waitForSelector('.files li:has-text("not saved")');
    assert.ok(await page.isDisabled('text=Save and put into force'));
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.save button:text-is("Download")')]);
    assert.deepEqual([download.suggestedFilename(), readFileSync(await download.path(), 'utf8')], ['changes.cedar', '// elsewhere\n']);
  });

  test('who does not administer is shown neither the page nor the way to it', async () => {
    const analyst = await opened.signIn('ann', '/policies');
    assert.match(await analyst.innerText('main [role=alert]'), /nothing that you may see/);
    assert.equal(await analyst.locator('nav >> text=Policies').count(), 0);
  });
});
