/** `node tools/screens.ts [DIRECTORY]` takes the pictures of the console in docs/screens: each page in both colours, at the gateway of the demo with its agents at work. It needs Chromium. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import { ApiClient } from '../cli/src/api-client.ts';

interface Shown {
  readonly name: string;
  /** The path of the page; `SESSION`, `LIVE`, `APPROVAL` and `STOPPED`, a record, stand for the ids of the demo. */
  readonly path: string;
  /** Selects what is there when the page is whole. */
  readonly whole: string;
  /** Selects what is seen at the top of the picture. */
  readonly from?: string;
  /** Selects the button that is clicked before. */
  readonly click?: string;
  /** True: it is also taken at 390 px. */
  readonly isNarrowToo?: boolean;
}

/** The pages. A new one is a line here. */
const pages: readonly Shown[] = [
  { name: 'now', path: '/', whole: '.tiles a:has-text("held"):not(:has-text("…"))', isNarrowToo: true },
  { name: 'sessions', path: '/sessions', whole: 'tr:has-text("support-bot")', isNarrowToo: true },
  { name: 'session', path: '/sessions/SESSION', whole: '.call .act .rows', from: '.message.user', isNarrowToo: true },
  { name: 'session-top', path: '/sessions/SESSION', whole: '.message.user' },
  { name: 'session-live', path: '/sessions/LIVE', whole: '.call .act .rows', from: '.message.user' },
  { name: 'diff', path: '/sessions/SESSION/diff/LIVE', whole: 'main h1' },
  { name: 'trace', path: '/trace/STOPPED', whole: '.way' },
  { name: 'search', path: '/search', whole: '[type=search]' },
  { name: 'search-records', path: '/search?query=kind:statement', whole: '.found li:has-text("customers")' },
  { name: 'search-sessions', path: '/search?query=model:sample-*&as=sessions', whole: 'tr:has-text("support-bot")' },
  { name: 'search-counts', path: '/search?query=kind:request&as=counts&by=action', whole: '.bars td:has-text("postgres.query")' },
  { name: 'search-error', path: '/search?query=kind:request%20verdict:', whole: 'main [role=alert]' },
  { name: 'approvals', path: '/approvals', whole: '.found li:has-text("stock-bot")' },
  { name: 'approval', path: '/approvals/APPROVAL', whole: '.card', isNarrowToo: true },
  { name: 'alerts', path: '/alerts', whole: '.found li' },
  { name: 'reviews', path: '/reviews', whole: '.found li' },
  { name: 'policies', path: '/policies', whole: '.cm-content, [role=textbox]' },
  { name: 'integrity', path: '/integrity', whole: '.verdict', click: 'button:has-text("Verify in this browser")', isNarrowToo: true },
  { name: 'principals', path: '/principals', whole: 'table >> text=support-bot' },
  { name: 'principal', path: '/principals/support-bot', whole: 'main h1' },
  { name: 'targets', path: '/targets', whole: 'table >> text=shop' },
  { name: 'target', path: '/targets/shop', whole: 'main h1' },
  { name: 'tokens', path: '/tokens', whole: 'main h1' },
  { name: 'holds', path: '/holds', whole: '.found li' },
  { name: 'erasures', path: '/erasures', whole: 'main:has-text("Nothing waits.")' },
  { name: 'retention', path: '/retention', whole: 'tbody tr:has-text("default")' },
  { name: 'settings', path: '/settings', whole: 'main h1' },
  { name: 'not-found', path: '/nowhere', whole: 'main [role=alert]' },
];

const root = join(import.meta.dirname, '..');
const directory = resolve(process.argv[2] ?? join(root, 'docs', 'screens'));
const quality = 80;

const demo = spawn(process.execPath, [join(root, 'cli/src/main.ts'), 'demo', '--keep'], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const config = await configOf(demo.stdout);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  await takeAll(await ApiClient.open({ config }));
} finally {
  demo.kill('SIGINT');
}

/** Resolves with the path of the configuration when the demo has come to its end and serves. */
async function configOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [, config] = /console you --config (\S+)/.exec(line) ?? [];
    if (config !== undefined) {
      output.resume();
      return config;
    }
  }
  throw new Error('the demo ended');
}

async function takeAll(api: ApiClient): Promise<void> {
  const ids = await idsOf(api);
  await api.json('POST', '/api/v1/holds', { matter: 'case-7', query: 'target:shop kind:statement', reason: 'The customer asked who read her orders.' });
  const { link } = await api.json<{ readonly link: string }>('POST', '/api/v1/sign-in/link', { principal: 'you' });
  await using browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  const page = await browser.newPage();
  await page.goto(link);
  await page.click('text=Sign in as you');
  await page.waitForURL(`${new URL(link).origin}/`);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const shown of pages) {
      await page.setViewportSize({ width: 1280, height: 800 });
      await open(page, shown, ids);
      await take(page, `${shown.name}-${colorScheme}`);
      if (shown.isNarrowToo === true) {
        await page.setViewportSize({ width: 390, height: 844 });
        await open(page, shown, ids);
        await take(page, `${shown.name}-${colorScheme}-390`);
      }
    }
  }
}

interface Listed {
  readonly session: string;
  readonly principal: string;
  readonly records: number;
}

/** A line of an answer to a search. The last one has no record. */
interface Found {
  readonly record?: string;
}

/** Resolves with the ids for the paths, when the agents have come to where something is to be seen. */
async function idsOf(api: ApiClient): Promise<Readonly<Record<string, string>>> {
  for (;;) {
    const sessions: Listed[] = [];
    for await (const session of api.rows<Listed>('/api/v1/sessions?facts=')) {
      sessions.push(session);
    }
    await delay(500);
    const found: Found[] = [];
    for await (const each of api.rows<Found>('/api/v1/search?query=target:checker%20kind:request')) {
      found.push(each);
    }
    const stopped = found.find(({ record }) => record !== undefined)?.record;
    const [approval] = await api.json<readonly { readonly approval: string }[]>('GET', '/api/v1/approvals');
    const errand = sessions.find(({ principal }) => principal === 'support-bot');
    const live = sessions.find(({ principal, records }) => principal === 'watch-bot' && records > 100);
    if (approval !== undefined && stopped !== undefined && errand !== undefined && live !== undefined) {
      return { SESSION: errand.session, LIVE: live.session, APPROVAL: approval.approval, STOPPED: stopped };
    }
  }
}

async function open(page: Page, { path, whole, from, click }: Shown, ids: Readonly<Record<string, string>>): Promise<void> {
  await page.goto(
    new URL(
      path.replaceAll(/[A-Z]{4,}/g, (name) => ids[name] ?? name),
      page.url(),
    ).href,
  );
  if (click !== undefined) {
    await page.click(click);
  }
  await page.waitForSelector(whole);
  await page.waitForSelector('[role=status]:has-text("Loading")', { state: 'detached' });
  await page.evaluate(`document.activeElement?.blur(); document.querySelector(${JSON.stringify(from ?? 'header')})?.scrollIntoView({ block: 'start' })`);
  await page.waitForSelector(whole);
  // Whatever stays at the top is not over what is shown.
  await page.evaluate("innerWidth > 768 && scrollBy(0, -(document.querySelector('.player')?.offsetHeight ?? 0))");
}

async function take(page: Page, name: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality });
  await devtools.detach();
  writeFileSync(join(directory, `${name}.webp`), Buffer.from(data, 'base64'));
}
