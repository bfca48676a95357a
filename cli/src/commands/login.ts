import type { IssuerSummary, ShownCaller } from '@countersign/gateway/api';
import { faultOfWebAddress } from '@countersign/gateway/location';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { findBrowser, openBrowser } from '../browser.ts';
import { configOption, urlOption, type LocationOptions } from '../location-options.ts';
import { locateGateway } from '../location.ts';
import { credentialsFile, findSignedIn, keepSignedIn, readSignedIn, type SignedIn } from '../signed-in.ts';
import { escapeControls } from '../terminal.ts';
import { describeCaller } from './whoami.ts';

/** The name by which local administrators sign in, with passkeys. No issuer has it. */
const local = 'local';

export function addLogin(program: Command): void {
  program
    .command('login')
    .description("sign in at a gateway with the organisation's account, or as a local administrator with a passkey")
    .addOption(configOption())
    .addOption(urlOption('API of a gateway elsewhere'))
    .option('--issuer <name>', 'where the account is, if the gateway accepts tokens of several issuers; local: a local administrator, with a passkey')
    .option('--device', 'sign in with a browser elsewhere, and compare a code; chosen where this machine seems to have no browser')
    .option('--fresh', 'sign in anew even if the issuer knows you, for what needs it (error sign_in_again)')
    .addOption(
      new Option('--port <port>', 'the port of this machine to which the browser comes back, for issuers that allow only one')
        .argParser(parsePort)
        .default(0, 'any free one')
        .conflicts('device'),
    )
    .addHelpText(
      'after',
      '\nWhere this machine has a browser, it is opened, and $BROWSER says which. Commands with --url for the same gateway then ask as the person who signed in, unless COUNTERSIGN_TOKEN is set.\n\nExample:\n  countersign login --url https://gateway.corp.example',
    )
    .action(login);
}

export function addLogout(program: Command): void {
  program
    .command('logout')
    .description('forget who signed in at a gateway, and have the issuer end it')
    .addOption(configOption())
    .addOption(urlOption('API of a gateway elsewhere'))
    .option('--everywhere', 'end all tokens of the person at the gateway too, on all machines and in all browsers')
    .addHelpText('after', '\nExample:\n  countersign logout --url https://gateway.corp.example')
    .action(logout);
}

interface LoginOptions extends LocationOptions {
  readonly issuer?: string;
  readonly device?: boolean;
  readonly fresh?: boolean;
  readonly port: number;
}

async function login(options: LoginOptions): Promise<void> {
  const gateway = await locateGateway(options);
  const fault = faultOfWebAddress(gateway, 'a token is sent to a gateway elsewhere only over https://');
  if (fault !== null) {
    throw new Error(`${gateway}: ${fault}`);
  }
  const as = (token: string): ApiClient => new ApiClient({ url: gateway, socket: null, token });
  const issuer = choose(await as('').json<readonly IssuerSummary[]>('GET', '/api/v1/issuers'), options.issuer);
  const credential = await (issuer === null ? signInHere(gateway, options) : signInAt(issuer, options));
  const caller = await as(credential.token).json<ShownCaller>('GET', '/api/v1/whoami');
  keepSignedIn(gateway, credential);
  console.log(`signed in at ${gateway}: ${describeCaller(caller)}`);
  if ((process.env['COUNTERSIGN_TOKEN'] ?? '') !== '') {
    process.stderr.write('COUNTERSIGN_TOKEN is set, and counts before it: unset it.\n');
  }
  process.stderr.write(`The token is in ${credentialsFile()}, for commands with --url ${gateway}.\n`);
}

/** Signs a person in at an issuer. */
async function signInAt(issuer: IssuerSummary, { device = false, fresh: isFresh = false, port }: LoginOptions): Promise<SignedIn> {
  // Loaded here, because it loads much and the rest of this file does without.
  const { signIn } = await import('../issuer-client.ts');
  const browser = device ? null : findBrowser();
  return signIn(issuer, {
    isHere: browser !== null || port !== 0,
    port,
    isFresh,
    invite: ({ address, code }) => {
      const compared =
        code === null ? 'A browser of this machine is needed; elsewhere: --device.' : `The code there must be ${escapeControls(code, 'nothing')}.`;
      process.stderr.write(`Open ${escapeControls(address, 'nothing')} and sign in. ${compared}\n`);
      if (code === null && browser !== null) {
        openBrowser(browser, address);
      }
    },
  });
}

/** Signs a local administrator in, who uses a passkey each time, so that the sign-in is always fresh. */
async function signInHere(gateway: string, { device = false, port }: LoginOptions): Promise<SignedIn> {
  if (device) {
    throw new Error('a local administrator signs in with a browser of this machine: leave --device out');
  }
  const { signInLocally } = await import('../local-sign-in.ts');
  const browser = findBrowser();
  return signInLocally(gateway, {
    port,
    invite: (address) => {
      process.stderr.write(`Open ${escapeControls(address, 'nothing')} in a browser of this machine, and sign in with a passkey.\n`);
      if (browser !== null) {
        openBrowser(browser, address);
      }
    },
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('A port is 1 to 65535.');
  }
  return port;
}

/** Returns the issuer at which somebody signs in; null if that is the gateway itself, as for local administrators. */
function choose(issuers: readonly IssuerSummary[], wanted: string | undefined): IssuerSummary | null {
  if (wanted === local || (wanted === undefined && issuers.length === 0)) {
    return null;
  }
  const names = issuers.map(({ name }) => name);
  const [issuer, ...others] = wanted === undefined ? issuers : issuers.filter(({ name }) => name === wanted);
  if (issuer === undefined) {
    throw new Error(`there is no issuer ${wanted ?? ''} at this gateway; there is ${[...names, local].join(', ')}`);
  }
  if (others.length > 0) {
    throw new Error(`say where the account is: --issuer ${names.join(', or --issuer ')}`);
  }
  return issuer;
}

async function logout({ everywhere = false, ...options }: LocationOptions & { readonly everywhere?: boolean }): Promise<void> {
  const gateway = await locateGateway(options);
  const credential = readSignedIn(gateway);
  if (credential === null) {
    console.log(`nobody is signed in at ${gateway}`);
    return;
  }
  const { issuer } = credential;
  const signOutWith = async (token: string): Promise<unknown> =>
    new ApiClient({ url: gateway, socket: null, token }).json('POST', '/api/v1/sign-out', { everywhere });
  if (everywhere && issuer !== null) {
    await signOutWith((await findSignedIn(gateway)) ?? '');
  }
  keepSignedIn(gateway, null);
  try {
    await (issuer === null ? signOutWith(credential.token) : (await import('../issuer-client.ts')).signOut(issuer, credential));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The token is removed here. It could not be ended where it was made: ${escapeControls(reason, 'nothing')}\n`);
  }
  console.log(`signed out at ${gateway}`);
}
