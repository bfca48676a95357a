import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';

/** How long an act of a page may take. It only ends tests that hang: a machine that does much else draws a page seldom. */
const actMs = 120_000;

/** Debian's Chromium. With `keepsPages` it keeps pages that were left, to show them when somebody goes back, as it does for people. */
export async function openChromium({ keepsPages = false } = {}): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    ignoreDefaultArgs: keepsPages ? ['--disable-back-forward-cache'] : [],
  });
  browser.on('context', (context) => {
    context.setDefaultTimeout(actMs);
  });
  return browser;
}

/** A page of a person with an authenticator of its own (https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn). */
export interface PersonsPage {
  readonly page: Page;
  readonly devtools: CDPSession;
  /** The id of the authenticator. */
  readonly authenticatorId: string;
}

/** Opens a page in a browser profile of its own, with an authenticator that verifies its user, or does not. */
export async function openPersonsPage(browser: Browser, isUserVerified = true): Promise<PersonsPage> {
  const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified, automaticPresenceSimulation: true },
  });
  return { page, devtools, authenticatorId };
}
