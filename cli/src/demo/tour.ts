import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { ApiClient } from '../api-client.ts';
import { interruption, say } from './typed-commands.ts';
import { tourSteps } from './tour-steps.ts';

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'] as const;
/** The time in ms that a step waits for what it looks for. */
const stepMs = 30_000;

/** A step of the tour acts with these. */
export interface Tourist {
  readonly page: Page;
  /** The address of the gateway. */
  readonly url: string;
  /** The link that signs in, once. */
  readonly link: string;
  /** The session of the errand. */
  readonly session: string;
  /** The directory of the pictures and of what is saved. */
  readonly directory: string;
  /** Opens another page. What is wrong in it is found too. */
  readonly open: (options: BrowserContextOptions) => Promise<Page>;
}

/**
 * Goes through the console in a real browser, and takes a picture at each step. Returns the directory of the pictures; null if there is no browser here. Rejects
 * if a step does not come to what it should, and if a page says an error or asks elsewhere.
 */
export async function takeTour(config: string, session: string): Promise<string | null> {
  say('11. All of it in a browser: a person signs in by a link, looks, follows, approves, halts, asks and verifies.');
  const browser = await openBrowser();
  if (browser === null) {
    console.log('  Skipped: this needs Chromium, and playwright-core, which a checkout has.');
    return null;
  }
  const end = (): void => void browser.close();
  interruption.signal.addEventListener('abort', end);
  try {
    return await go(browser, config, session);
  } finally {
    interruption.signal.removeEventListener('abort', end);
    await browser.close();
  }
}

async function go(browser: Browser, config: string, session: string): Promise<string> {
  const api = await ApiClient.open({ config });
  const { link } = await api.json<{ readonly link: string }>('POST', '/api/v1/sign-in/link', { principal: 'you' });
  const url = new URL(link).origin;
  const directory = mkdtempSync(join(tmpdir(), 'countersign-tour-'));
  const faults: string[] = [];
  const open = async (options: BrowserContextOptions): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })).newPage();
    page.setDefaultTimeout(stepMs);
    // A log whose key was never rotated has no keyring, and answers so.
    page.on('console', (message) => message.type() === 'error' && !message.location().url.endsWith('/log/keys') && faults.push(message.text()));
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('request', (request) => /^https?:/.test(request.url()) && !request.url().startsWith(`${url}/`) && faults.push(`asks ${request.url()}`));
    return page;
  };
  const tourist = { page: await open({}), url, link, session, directory, open };
  for (const [at, { name, words, act }] of tourSteps.entries()) {
    const shown = await act(tourist);
    const picture = `${at + 1}-${name}.png`;
    await shown.screenshot({ path: join(directory, picture) });
    console.log(`  ${picture.padEnd(16)} ${words}`);
  }
  if (faults.length > 0) {
    throw new Error(`the console said errors, or asked elsewhere:\n${faults.join('\n')}`);
  }
  return directory;
}

async function openBrowser(): Promise<Browser | null> {
  const program = programs.find((each) => existsSync(each));
  const playwright = await import('playwright-core').catch(() => null);
  if (program === undefined || playwright === null) {
    return null;
  }
  return playwright.chromium.launch({
    executablePath: program,
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-dev-shm-usage'],
    handleSIGINT: false,
    handleSIGTERM: false,
  });
}
