import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { openChromium } from '../tests/support/chromium.ts';
import { GatewayProcess } from '../tests/support/gateway-process.ts';
import { printAims } from './aims.ts';
import { makeStore } from './search-store.ts';
import { percentile, printMachine, printTable, thousands } from './table.ts';

const recordsDefault = 100_000;
const recordsPerTurn = 4;
const assets = join(import.meta.dirname, '../web/dist/assets');
const waitMs = 300_000;
const scrolledFrames = 600;
const scrolledPixels = 300;
const frameMsMost = 17;

/** Runs in the page: scrolls down from the place where it is, and gives how long each frame took, in ms. */
const scrolling = `new Promise((resolve) => {
  const times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    if (times.length > ${scrolledFrames}) {
      resolve(times.slice(1));
    } else {
      window.scrollBy(0, ${scrolledPixels});
      requestAnimationFrame(step);
    }
  };
  requestAnimationFrame(step);
})`;

/** Prints how large the console is, and how fast Chromium shows and scrolls a session of so many records in it. `web [RECORDS]` */
export async function benchWeb([records = String(recordsDefault)]: readonly string[]): Promise<void> {
  printMachine();
  const data = mkdtempSync(join(tmpdir(), 'countersign-bench-web-'));
  try {
    await makeStore(data, Number(records), () => undefined, { sessionsAtOnce: 1, turnsPerSession: Math.ceil(Number(records) / recordsPerTurn) });
    const config = 'targets: {}\nprincipals: { boss: { kind: human, groups: [admins] } }\nroles: { analyst: { groups: [admins] } }\n';
    await using gateway = await GatewayProcess.start({ config, data });
    const { session } = await gateway.newest();
    // The store is new, so the gateway first makes the index of it.
    await gateway.whenIndexed();
    const shown = await show(`http://127.0.0.1:${gateway.port('http')}`, session, await gateway.issueToken('boss'));
    printAll(Number(records), shown);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** How long Chromium took, in ms, and the memory that it holds when all is read. */
interface Shown {
  readonly nowMs: number;
  readonly usableMs: number;
  readonly wholeMs: number;
  readonly framesWhileRead: readonly number[];
  readonly frames: readonly number[];
  readonly heapMb: number;
}

async function show(url: string, session: string, token: string): Promise<Shown> {
  const browser = await openChromium();
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, extraHTTPHeaders: { authorization: `Bearer ${token}` } });
    const page = await context.newPage();
    page.setDefaultTimeout(waitMs);
    const devtools = await context.newCDPSession(page);
    let begun = performance.now();
    await page.goto(url);
    await page.waitForSelector('.tiles a');
    const nowMs = performance.now() - begun;
    // Its counts are searches, and end before something else is measured.
    await page.waitForSelector('.tiles:has-text("…")', { state: 'detached' });
    begun = performance.now();
    await page.goto(`${url}/sessions/${session}`);
    await page.waitForSelector('.timeline .act');
    await page.keyboard.press('j');
    await page.waitForSelector('.timeline :focus');
    const usableMs = performance.now() - begun;
    const framesWhileRead = await scroll(page);
    await page.waitForSelector('main > p[role=status]', { state: 'detached' });
    const wholeMs = performance.now() - begun;
    const frames = await scroll(page);
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devtools.send('Runtime.getHeapUsage');
    return { nowMs, usableMs, wholeMs, framesWhileRead, frames, heapMb: usedSize / 1e6 };
  } finally {
    await browser.close();
  }
}

async function scroll(page: Page): Promise<readonly number[]> {
  return page.evaluate<number[]>(scrolling);
}

function printAll(records: number, { nowMs, usableMs, wholeMs, framesWhileRead, frames, heapMb }: Shown): void {
  const first = kilobytesOf(namedByPage());
  const all = readdirSync(assets).filter((name) => !name.endsWith('.gz'));
  const sessionPage = kilobytesOf(all.filter((name) => name.startsWith('SessionPage')));
  printTable([
    ['KB, compressed', 'before the first page', 'page of a session', 'all files'],
    ['', ...[first, sessionPage, kilobytesOf(all)].map((size) => size.toFixed(1))],
  ]);
  console.log('');
  printTable([
    ['records', 'first page ms', 'list usable ms', 'all read ms', 'memory MB'],
    [thousands(records), ...[nowMs, usableMs, wholeMs, heapMb].map(thousands)],
  ]);
  console.log('');
  printTable([
    ['frames while scrolling, ms', 'p50', 'p95', 'p99', 'longest'],
    ...Object.entries({ 'while records come': framesWhileRead, 'all are read': frames }).map(([name, times]) => [
      name,
      ...[0.5, 0.95, 0.99, 1].map((part) => percentile(times, part).toFixed(1)),
    ]),
  ]);
  printAims([
    { text: 'what is loaded before the first page, KB compressed', measured: first, most: 300 },
    { text: 'time until the first page is there, ms', measured: nowMs, most: 1000 },
    { text: 'time until the list of the session follows a key, ms', measured: usableMs, most: 1000 },
    { text: 'p95 of the frames while records come, ms', measured: percentile(framesWhileRead, 0.95), most: frameMsMost },
    { text: 'p95 of the frames when all are read, ms', measured: percentile(frames, 0.95), most: frameMsMost },
    { text: 'memory of the page, MB', measured: heapMb, most: 500 },
  ]);
}

/** Returns the size of files as the gateway sends them. */
function kilobytesOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + statSync(join(assets, `${name}.gz`)).size, 0) / 1000;
}

/** Returns the files that the page itself names. */
function namedByPage(): readonly string[] {
  const page = readFileSync(join(assets, '../index.html'), 'utf8');
  return [...page.matchAll(/\/(assets\/[\w.-]+\.(?:js|css))"/g)].map(([, name = '']) => basename(name));
}
