import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import type { Browser, BrowserContextOptions, ConsoleMessage, Page } from 'playwright-core';
import { openChromium } from './chromium.ts';
import { audience, Issuer, webClient } from './issuer.ts';
import { psql } from './run.ts';
import { openScriptedModels } from './scripted-models.ts';
import { openShop, type Shop } from './shop.ts';

const policy = `@id("changes")
@reason("Changes are for people to decide.")
@approval("dba")
forbid (principal, action == Action::"postgres.query", resource)
when { context.effects.contains("define") };

@id("drops")
@reason("Nothing is dropped here.")
@alert("critical")
forbid (principal, action == Action::"postgres.query", resource)
when { context.effects.contains("destroy") };
`;

/** A gateway with a database, a model and an issuer; what an agent did there; and a browser in which people look at it. */
export class ConsoleShop implements AsyncDisposable {
  readonly shop: Shop;
  readonly url: string;
  /** The session of the errand that was run at the start. */
  session = '';
  /** The requests of all pages that went elsewhere, and what they said of errors. */
  readonly faults: string[] = [];
  readonly #issuer: Issuer;
  readonly #browser: Browser;
  readonly #parts: AsyncDisposableStack;

  private constructor(shop: Shop, issuer: Issuer, browser: Browser, parts: AsyncDisposableStack) {
    this.shop = shop;
    this.url = `http://127.0.0.1:${shop.gateway.port('http')}`;
    this.#issuer = issuer;
    this.#browser = browser;
    this.#parts = parts;
  }

  /** Starts all of it. The agent asks the model, which asks for this statement. */
  static async open(statement: string, browserOptions: Parameters<typeof openChromium>[0] = {}): Promise<ConsoleShop> {
    await using parts = new AsyncDisposableStack();
    const directory = mkdtempSync(join(tmpdir(), 'countersign-console-'));
    parts.defer(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'changes.cedar'), policy);
    const models = parts.use(await openScriptedModels((_offered, results) => (results === 0 ? [{ name: 'run_sql', arguments: { query: statement } }] : [])));
    const issuer = parts.use(await Issuer.open());
    issuer.groups.set('ada', ['admins']);
    issuer.groups.set('ann', ['compliance']);
    issuer.groups.set('aud', ['auditors', 'compliance']);
    issuer.groups.set('dan', ['dba']);
    issuer.groups.set('oli', ['soc']);
    issuer.groups.set('sam', ['admins', 'compliance']);
    issuer.groups.set('eve', []);
    const targets = `  model: { protocol: llm, url: "${models.url}", inspect: [email] }\n`;
    const config = configOf(directory, issuer.url);
    const shop = parts.use(
      await openShop({ targets, options: ', inspect: [email]', granted: '[shop, model]', config, gateway: { environment: { WEB_SECRET: webClient.secret } } }),
    );
    const browser = await openChromium(browserOptions);
    parts.defer(async () => browser.close());
    const opened = new ConsoleShop(shop, issuer, browser, parts.move());
    opened.session = await opened.#runErrand(statement);
    return opened;
  }

  /** An agent asks a model, does as it says, and tells it the result: as one session. */
  async #runErrand(statement: string): Promise<string> {
    const { shop, url } = this;
    const opened = await shop.gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'agent' } });
    const run: { readonly session: string; readonly token: string } = JSON.parse(await opened.text());
    const client = new OpenAI({ apiKey: run.token, baseURL: `${url}/t/model/v1` });
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'How many are there?' }];
    const tools = [{ type: 'function', function: { name: 'run_sql', parameters: { type: 'object', properties: { query: { type: 'string' } } } } }] as const;
    const [{ message } = assert.fail('the model says nothing')] = (await client.chat.completions.create({ model: 'scripted-1', messages, tools: [...tools] }))
      .choices;
    const [call = assert.fail('the model calls no tool')] = message.tool_calls ?? [];
    const { stdout } = await psql({ ...shop.through, PGPASSWORD: run.token }, ['-Atc', statement]);
    await client.chat.completions.create({
      model: 'scripted-1',
      messages: [...messages, message, { role: 'tool', tool_call_id: call.id, content: stdout }],
      tools: [...tools],
    });
    await shop.gateway.api(`/api/v1/runs/${run.session}/end`, { method: 'POST', body: {} });
    return run.session;
  }

  async openPage(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })).newPage();
    page.on(
      'console',
      (message) =>
        message.type() === 'error' && !isBusy(message) && !isWithoutKeyring(message) && this.faults.push(`${message.text()} ${message.location().url}`),
    );
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('request', (request) => {
      const { origin } = new URL(request.url());
      if (origin !== this.url && origin !== this.#issuer.url) {
        this.faults.push(request.url());
      }
    });
    return page;
  }

  /** Opens the console as nobody, and signs in where it leads. */
  async signIn(person: string, path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.openPage(options);
    await page.goto(`${this.url}${path}`);
    await this.enter(page, person);
    await page.waitForURL(`${this.url}${path}`);
    return page;
  }

  /** Signs in at the issuer, from the page for it. */
  async enter(page: Page, person: string): Promise<void> {
    await page.click('text=Sign in with corp');
    await page.fill('[name=login]', person);
    await page.fill('[name=password]', 'any');
    await page.click('[type=submit]');
    await page.click('[type=submit]');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** A gateway that has too much to do says 503, and the page asks again. */
function isBusy(message: ConsoleMessage): boolean {
  return message.text().includes('status of 503');
}

/** A log whose key was never rotated has no keyring, and answers so. */
function isWithoutKeyring(message: ConsoleMessage): boolean {
  return message.text().includes('status of 404') && message.location().url.endsWith('/log/keys');
}

function configOf(policies: string, issuer: string): string {
  return `policies: ${policies}
groups: { admins: {}, auditors: {}, dba: {} }
approvals: { mode: wait }
retention: { erase: { twoPersons: true } }
roles: { analyst: { groups: [compliance] }, owner: { groups: [agents] }, soc: { role: analyst, groups: [soc] }, operator: { groups: [soc] } }
identity:
  issuers:
    corp: { url: "${issuer}", clientId: ${webClient.id}, clientSecret: { env: WEB_SECRET }, audience: "${audience}", groups: groups, principal: email }
`;
}
