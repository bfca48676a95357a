import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Provider } from 'oidc-provider';
import { clientId, createProvider } from '../../examples/issuer.ts';

/** The audience of the tokens that the issuer makes for the gateway. */
export const audience = 'https://gateway.example';

/** A client with a secret, as which the gateway signs people in. */
export const webClient = { id: 'countersign-web', secret: 'canary-web-secret-91c4-canary-web-secret-91c4' };
const agentSecret = 'canary-agent-secret-5d21-canary-agent-secret-5d21';

/** An OpenID provider, as an organisation has one. Its people sign in with their name and any password. */
export class Issuer implements AsyncDisposable {
  readonly url: string;
  /** The groups of each person. */
  readonly groups = new Map<string, readonly string[]>();
  /** How long access tokens live that it makes from now on, in seconds. */
  tokenSeconds = 300;
  /** The times that somebody asked it for tokens, by the kind of grant. */
  readonly grants: string[] = [];
  readonly #server: Server;
  readonly #logoutUri: string | undefined;

  private constructor(server: Server, port: number, logoutUri: string | undefined) {
    this.#logoutUri = logoutUri;
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Serves an issuer that tells at `logoutUri` who has signed out. */
  static async open(logoutUri?: string): Promise<Issuer> {
    const server = createServer({ keepAliveTimeout: 120_000 }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const issuer = new Issuer(server, typeof address === 'object' && address !== null ? address.port : 0, logoutUri);
    const provider = issuer.#provider();
    provider.on('grant.success', ({ oidc }) => {
      issuer.grants.push(String(oidc.params?.['grant_type']));
    });
    const answer = provider.callback();
    server.on('request', (request, response) => {
      void answer(request, response);
    });
    return issuer;
  }

  #provider(): Provider {
    return createProvider({
      url: this.url,
      audience,
      groupsOf: (person) => this.groups.get(person) ?? [],
      tokenSeconds: () => this.tokenSeconds,
      ...(this.#logoutUri === undefined ? {} : { logoutUri: this.#logoutUri }),
      clients: [
        {
          client_id: webClient.id,
          client_secret: webClient.secret,
          application_type: 'native',
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: ['http://127.0.0.1/api/v1/sign-in/callback', 'http://localhost/api/v1/sign-in/callback'],
          ...(this.#logoutUri === undefined ? {} : { backchannel_logout_uri: this.#logoutUri, backchannel_logout_session_required: true }),
        },
        { client_id: 'nightly-agent', client_secret: agentSecret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      ],
    });
  }

  /** Gets a token for an agent, with the credential that it has at the issuer. */
  async agentToken(): Promise<string> {
    const response = await fetch(`${this.url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`nightly-agent:${agentSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
    });
    const { access_token: token } = JSON.parse(await response.text());
    assert.ok(typeof token === 'string');
    return token;
  }

  /** Signs a person in with the device flow, as a command would, and returns the access token. */
  async signIn(person: string, browser = new Browser()): Promise<string> {
    const ask = async (path: string, form: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> =>
      JSON.parse(await (await fetch(this.url + path, { method: 'POST', body: new URLSearchParams({ client_id: clientId, ...form }) })).text());
    const { device_code: code = '', verification_uri_complete: address = '' } = await ask('/device/auth', { scope: 'openid email' });
    await approve(address, person, 'approve', browser);
    const { access_token: token } = await ask('/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code });
    return token ?? assert.fail('there is no access token');
  }

  /** Does what a person does who signs out at the issuer. */
  async signOut(browser: Browser): Promise<void> {
    assert.match(await browser.submit(await browser.open(`${this.url}/session/end`), {}, { logout: 'yes' }), /Sign-out Success/);
  }

  async close(): Promise<void> {
    if (this.#server.listening) {
      this.#server.closeAllConnections();
      this.#server.close();
      await once(this.#server, 'close');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Does what a person does in a browser who opens the address that a command shows: signs in, and allows it; or refuses. Resolves with the last page. */
export async function approve(address: string, person: string, act: 'approve' | 'refuse' = 'approve', browser = new Browser()): Promise<string> {
  let page = await browser.open(address);
  if (act === 'refuse') {
    const refused = /<a href="([^"]*abort)"/.exec(page)?.[1];
    return refused === undefined ? browser.submit(page, {}, { abort: 'yes' }) : browser.open(new URL(refused, address).href);
  }
  for (let step = 0; step < 6 && page.includes('<form'); step += 1) {
    page = await browser.submit(page, { login: person, password: 'any' });
  }
  return page;
}

/** As much of a browser as it takes to fill in the pages of the issuer. */
export class Browser {
  readonly #cookies = new Map<string, string>();
  /** The address of the page. */
  at = '';
  /** Told each address that it opens. */
  onOpen: (address: string) => void = () => undefined;
  /** The lines of all cookies that it was given. */
  readonly given: string[] = [];

  /** The header with its cookies. */
  get cookie(): string {
    return Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join('; ');
  }

  async open(address: string, form?: URLSearchParams): Promise<string> {
    this.at = address;
    this.onOpen(address);
    const response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: this.cookie },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    this.take(response);
    const next = response.headers.get('location');
    return next === null ? response.text() : this.open(new URL(next, address).href);
  }

  /** Keeps the cookies of an answer. */
  take({ headers }: Response): void {
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.given.push(line);
      if (line.includes('Max-Age=0')) {
        this.#cookies.delete(name);
      } else {
        this.#cookies.set(name, value);
      }
    }
  }

  /** Submits the form of a page with what a person typed, and the button that was pressed if it is not the only one. */
  async submit(page: string, typed: Readonly<Record<string, string>>, button: Readonly<Record<string, string>> = {}): Promise<string> {
    const action = /<form[^>]* action="([^"]*)"/.exec(page)?.[1];
    assert.ok(action !== undefined, page);
    const hidden = Array.from(page.matchAll(/<input[^>]*type="hidden"[^>]*>/g), ([field]) => [attribute(field, 'name'), attribute(field, 'value')]);
    const fields = Object.keys(typed).filter((name) => page.includes(`name="${name}"`));
    return this.open(
      new URL(action, this.at).href,
      new URLSearchParams([...hidden, ...fields.map((name) => [name, typed[name] ?? '']), ...Object.entries(button)]),
    );
  }
}

function attribute(tag: string, name: string): string {
  return new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
}
