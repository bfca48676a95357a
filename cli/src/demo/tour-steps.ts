import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Tourist } from './tour.ts';

interface TourStep {
  readonly name: string;
  readonly words: string;
  /** Resolves with the page of which a picture is taken. */
  readonly act: (tourist: Tourist) => Promise<Page>;
}

/** The tour through the console, step by step. */
export const tourSteps: readonly TourStep[] = [
  {
    name: 'now',
    words: 'signed in by the link: what needs a person',
    act: async ({ page, link, url }) => {
      await page.goto(link);
      await page.click('text=Sign in as you');
      await page.waitForURL(`${url}/`);
      await page.waitForSelector('.tiles a:has-text("for approval"):has-text("1")');
      await page.waitForSelector('.tiles a:has-text("held"):not(:has-text("…"))');
      return page;
    },
  },
  {
    name: 'session',
    words: 'the errand as one conversation, with the statements and rows under the tool calls that caused them',
    act: async ({ page }) => {
      await page.click('nav >> text=Sessions');
      await page.click('tr:has-text("support-bot") a');
      await page.waitForSelector('.call .act .rows:has-text("Ada Byron")');
      await page.evaluate("document.querySelector('.message.user').scrollIntoView()");
      return page;
    },
  },
  {
    name: 'play',
    words: 'the same, played in its time, faster, and without the idle times',
    act: async ({ page }) => {
      await page.selectOption('[aria-label=Speed]', '4');
      await page.click('button:text-is("Play")');
      await page.waitForSelector('button:text-is("Pause")');
      await page.waitForSelector('.timeline .call .act .rows');
      return page;
    },
  },
  {
    name: 'trace',
    words: 'a value followed: from the row to the words of the model, and to the request that was stopped with it',
    act: async ({ page, url, session }) => {
      await page.goto(`${url}/sessions/${session}`);
      await page.waitForSelector('.message.user');
      await page.fill('.find input', 'POST /addresses');
      // The conversation comes record by record, and what is looked for may not be there yet.
      await page.waitForSelector('.find [role=status]:text-matches("^[1-9][0-9]* found")');
      await page.press('.find input', 'Enter');
      await page.click('article:focus >> text=Trace');
      await page.waitForSelector('.way:has-text("checker")');
      return page;
    },
  },
  {
    name: 'approval',
    words: 'the statement that waits: its exact bytes, what it does, and what led to it; approved',
    act: async ({ page }) => {
      await page.click('nav >> text=Approvals');
      await page.click('.found a:has-text("stock-bot")');
      await page.fill('.decision input >> nth=0', 'it is with the post');
      await page.click('button:has-text("Approve")');
      await page.waitForSelector('.card .mark:text-is("used")');
      return page;
    },
  },
  {
    name: 'live',
    words: 'a run that goes on, and is halted while somebody watches',
    act: async ({ page }) => {
      await page.click('nav >> text=Sessions');
      await page.click('tr:has-text("watch-bot"):has-text("open") a');
      await page.waitForSelector('[role=status]:has-text("Live")');
      const [moments = ''] = /of [\d,]+ moments/.exec(await page.innerText('.player')) ?? [];
      await page.waitForSelector(`.player:not(:has-text("${moments}"))`);
      await page.fill('.note input', 'enough for today');
      await page.click('text=Halt this session');
      await page.waitForSelector('.overview .mark:has-text("halted")');
      return page;
    },
  },
  {
    name: 'search',
    words: 'everything touching a model: the sessions in which it was asked',
    act: async ({ page }) => {
      await page.click('nav >> text=Search');
      // The page before has a field to search in, too.
      await page.waitForSelector('h1:has-text("Search")');
      await page.fill('[type=search]', 'model:sample-*');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.found li');
      await page.selectOption('[aria-label=Answer]', 'sessions');
      await page.waitForSelector('tr:has-text("watch-bot")');
      return page;
    },
  },
  {
    name: 'integrity',
    words: 'the whole log, verified in this browser',
    act: async ({ page }) => {
      await page.click('nav >> text=Integrity');
      await page.click('button:has-text("Verify in this browser")');
      await page.waitForSelector('.verdict:has-text("HOLDS: it is whole and signed")');
      return page;
    },
  },
  {
    name: 'evidence',
    words: 'the evidence of the errand, saved as one file, which verifies itself without a network',
    act: async ({ page, url, session, directory, open }) => {
      await page.goto(`${url}/sessions/${session}`);
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Evidence that verifies itself')]);
      const file = join(directory, 'evidence.html');
      await download.saveAs(file);
      const reader = await open({ offline: true });
      await reader.goto(`file://${file}`);
      await reader.waitForSelector('h1:has-text("HOLDS: it is whole and signed")');
      return reader;
    },
  },
];
