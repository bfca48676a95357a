import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShownRecord } from '@countersign/gateway/api';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { showExpiry } from '../demo/expired-errand.ts';
import { isRepeated, repeatErrand, runErrand, type Errand } from '../demo/errand.ts';
import { openSampleCarts } from '../demo/sample-carts.ts';
import { openSampleChecker, openSampleMail } from '../demo/sample-mail.ts';
import { startGateway, writeFiles } from '../demo/sample-gateway.ts';
import { openSampleModel } from '../demo/sample-model.ts';
import { samplePolicies, stricterPolicies } from '../demo/sample-policies.ts';
import { stay } from '../demo/stay.ts';
import { takeTour } from '../demo/tour.ts';
import { exitOf, interruption, say, showCommand, spawnCli, typeCommand } from '../demo/typed-commands.ts';
import { WorkingAgents } from '../demo/working-agents.ts';
import { sessionPath } from '../session-source.ts';
import { commandName, demoInstallation } from '../installation.ts';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

interface DemoOptions {
  readonly once?: boolean;
  readonly keep?: boolean;
  readonly verbose?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('sample databases, a model, tools, a shell and an API, and an agent that works with them through the gateway')
    .option('--once', 'wait for nobody and leave nothing behind but, where Chromium is, pictures of a tour through the console')
    .addOption(new Option('--keep', 'serve until Ctrl-C, for a look around in a browser; the default at a terminal').conflicts('once'))
    .option('--verbose', 'print the texts of the session whole')
    .addHelpText(
      'after',
      '\nAt a terminal it then serves until Ctrl-C. Without --once the data stay where it says, for a look at them.\n\nExample:\n  countersign demo --keep',
    )
    .action(async (options: DemoOptions) => {
      process.exit(await demo(options));
    });
}

/**
 * Runs the demo: real databases, a model, MCP tools, a shell and an HTTP API, a gateway in front of them, and the session of an agent through it. The session is shown
 * and verified, and a forged copy is detected. All files are in a temporary directory. Returns the exit code.
 */
async function demo(options: DemoOptions): Promise<number> {
  // These lead to another gateway, or into a run of it.
  for (const name of ['COUNTERSIGN_TOKEN', 'COUNTERSIGN_URL', 'COUNTERSIGN_SESSION']) {
    delete process.env[name];
  }
  if (commandName !== 'countersign') {
    console.log(`In this checkout, ${commandName} is what the lines with $ call countersign.`);
  }
  const directory = mkdtempSync(join(tmpdir(), 'countersign-demo-'));
  let interrupted: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interrupted ??= exitCodes[signal];
      interruption.abort();
    });
  }
  try {
    const code = await showAll(directory, options);
    if (code === 0 && options.once === true) {
      say(`That was all, and no data are left of it. The same with data to look at: ${commandName} demo. A gateway of your own: ${commandName} init`);
    } else if (code === 0) {
      sayWhatIsThere(directory);
    }
    return code;
  } catch (error) {
    if (interrupted === null) {
      throw error;
    }
    say(`Interrupted. Nothing runs any more${options.once === true ? '.' : `; what there is of the data is in ${directory}, until you delete it.`}`);
    return interrupted;
  } finally {
    if (options.once === true) {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

async function showAll(directory: string, options: DemoOptions): Promise<number> {
  const { openSampleTools } = await import('../demo/sample-tools.ts').catch(explainMissing);
  const { openSampleDepot } = await import('../demo/sample-depot.ts');
  const { customerNames, openSampleDatabase } = await import('../demo/sample-database.ts');
  const secrets = {
    DEMO_PASSWORD: makeSecret(),
    DEMO_MAIL_KEY: makeSecret(),
    DEMO_DEPOT_PASSWORD: makeSecret(),
    DEMO_CARTS_PASSWORD: makeSecret(),
  };
  say(
    '1. A little shop starts: a PostgreSQL, a Redis with carts, a model, an MCP server that tracks parcels, an API that takes mail, a depot with a shell, and outside a service that checks addresses. The gateway is in front of all of them. What agents may do, policies/agents.cedar says:',
  );
  console.log(`${indent(samplePolicies)}\nCustomers are known by the names in customers.txt, addresses and cards by their form.`);
  await using database = await openSampleDatabase(secrets.DEMO_PASSWORD);
  await using model = await openSampleModel();
  await using tools = await openSampleTools();
  await using mail = await openSampleMail(secrets.DEMO_MAIL_KEY);
  await using checker = await openSampleChecker();
  await using depot = await openSampleDepot(secrets.DEMO_DEPOT_PASSWORD);
  await using carts = await openSampleCarts(secrets.DEMO_CARTS_PASSWORD);
  if (carts === null) {
    console.log('There is no redis-server on this machine, so the carts are left out.');
  }
  const services = { shop: database.url, carts: carts?.url ?? null, model: model.url, tools: tools.url, mail: mail.url, checker: checker.url };
  const urls = { ...services, depot: depot.url, depotKey: depot.hostKey };
  const config = writeFiles(directory, urls, customerNames);
  await using gateway = await startGateway(config, { ...process.env, ...secrets });
  // An auditor keeps the key apart from what is checked, and so does the demo.
  cpSync(join(directory, 'store', 'log', 'key'), join(directory, 'key'));
  say(
    '2. An agent runs an errand through the gateway, with a token of its own. The gateway alone knows the passwords of the databases and the depot and the key of the API.',
  );
  const isAttended = options.once !== true && process.stdin.isTTY && process.stdout.isTTY;
  const errand = await runErrand({ directory, config, isAttended });
  showWhoSawWhat(errand, { customer: await database.customer(1), heard: model.heard(), names: customerNames });
  await showRecord(errand, directory, options.verbose === true);
  const code = await showForgery(directory);
  if (code === 0) {
    await showQuestions(config);
    if (options.once === true) {
      await tour(config, errand.session);
    }
    await showExpiry(directory, options.once === true ? 12 : 11);
  }
  if ((options.keep === true || isAttended) && code === 0) {
    await stay({ config, addresses: gateway.addresses, session: errand.session });
  }
  return code;
}

function makeSecret(): string {
  return randomBytes(16).toString('hex');
}

/** Says what to install if the packages of the demo are missing, as they are in an installed package. */
function explainMissing(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
    throw new Error(`The demo needs packages that nothing else here needs. This installs them:\n  ${demoInstallation()}`, { cause: error });
  }
  throw error;
}

interface Sides {
  /** The name, the address and the card of the customer who asks, as the database has them. */
  readonly customer: readonly string[];
  /** The texts that reached the model. */
  readonly heard: readonly string[];
  readonly names: readonly string[];
}

/** Shows what each side saw of one customer. Throws an Error if it was more than it should be. */
function showWhoSawWhat({ said }: Errand, { customer, heard, names }: Sides): void {
  const [name = '', , card = ''] = customer;
  if (said.includes(card) || names.some((each) => heard.some((text) => text.includes(each)))) {
    throw new Error('a value came through that policy masks');
  }
  const saidOf = (pattern: RegExp): string => pattern.exec(said)?.[1] ?? '';
  say(`3. Who saw what of ${name}? What policy masks, is masked on its way, by its class and in streams too. Numbers of orders and prices stay as they are.`);
  console.log(`  the database has  ${customer.join(' | ')}
  the agent got     ${saidOf(/rows: \d+ \| (.+ \| \[email\] .+)/)}
  the model got     ${heard[0] ?? ''}
  its answer names  ${saidOf(/model: My notes of May say of (.+?:)/)}${saidOf(/model: My notes of May say of .+?:(.+?)\. /)}`);
}

/** Shows what was recorded of the errand, and what other policies would have decided. Then the agent runs again, and the record answers it. */
async function showRecord({ session, said }: Errand, directory: string, isVerbose: boolean): Promise<void> {
  const config = join(directory, 'countersign.yaml');
  say('4. What the record has of it, as one session: every prompt, tool call, statement, row and answer, and each decision with the policies that made it.');
  const shown = isVerbose ? `session replay ${session} --no-wait` : `session show ${session} --brief`;
  await typeCommand({ words: [...shown.split(' '), '--config', config], shown });
  say('5. Where did her address go? It left the database in one row, the model has it, and the service outside does not.');
  const stopped = `${session.slice(0, 8)}#${await findStopped(session, config)}`;
  await typeCommand({ words: ['trace', stopped, '--config', config], shown: `trace ${stopped}` });
  say('6. What would stricter policies have done to it? The record answers before they are in force. stricter/agents.cedar says:');
  console.log(indent(stricterPolicies));
  await typeCommand({ words: ['policy', 'try', join(directory, 'stricter'), '--config', config], shown: 'policy try stricter' });
  say('7. The agent runs again. The record answers it as they did then: databases, model, tools, depot and API hear nothing of it.');
  const again = await repeatErrand(session, config);
  const lines = said.trimEnd().split('\n').length;
  process.stdout.write(isRepeated(said, again) ? `  It said the same, all ${lines} lines, and was refused, held and halted as before.\n` : again);
}

/** Returns the number of the request to the service outside. */
async function findStopped(session: string, config: string): Promise<number> {
  const api = await ApiClient.open({ config });
  for await (const { kind, target, seq } of api.rows<ShownRecord>(`${sessionPath(session)}/records`)) {
    if (kind === 'request' && target === 'checker') {
      return seq;
    }
  }
  throw new Error('the agent asked nobody outside');
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, '  ');
}

/** Verifies the store, and then a copy of it with one flipped bit. Returns 0 if the first holds and the second does not. */
async function showForgery(directory: string): Promise<number> {
  const store = join(directory, 'store');
  say(
    '8. Anybody with the public key can check that the record is whole. Who has the keys of the store too, as here, also sees that each sealed body is what it was.',
  );
  const key = join(directory, 'key');
  await typeCommand({ words: ['verify', '--data', store, '--key', key], shown: 'verify --data store --key key' });
  const copy = join(directory, 'forged');
  // The gateway runs, and files whose writing has just begun go away again.
  cpSync(store, copy, { recursive: true, filter: (name) => !name.endsWith('.new') });
  const at = flipBit(join(copy, 'journal', '000000000001.segment'));
  say(`9. Now somebody edits a copy of the store: one bit of byte ${at} of its journal.`);
  showCommand('verify --data forged --key key');
  const code = await exitOf(spawnCli(['verify', '--data', copy, '--key', key], 'inherit'));
  interruption.signal.throwIfAborted();
  say(code === 0 ? 'The forged copy was taken for whole: this is a defect.' : `Found, exit code ${code}: the record cannot be edited unnoticed.`);
  return code === 0 ? 1 : 0;
}

/** Asks over everything that is recorded. */
async function showQuestions(config: string): Promise<void> {
  say(
    '10. Two in the morning: who read the customers, when, and by what permission? And what did that model change, or try to? Every record that a search finds is opened and checked, and who searched for what is on record too. The UPDATE of orders counts as a reading too: for its foreign key the database may look at the customers.',
  );
  for (const query of ['table:customers effect:read kind:statement since:90d', 'model:sample-* target:shop kind:change since:90d']) {
    await typeCommand({ words: ['search', query, '--config', config], shown: `search '${query}'` });
  }
}

/** Shows the console in a browser, with agents at work. */
async function tour(config: string, session: string): Promise<void> {
  await using _agents = new WorkingAgents(config);
  const pictures = await takeTour(config, session);
  if (pictures !== null) {
    console.log(`The pictures are in ${pictures}, until you delete it.`);
  }
}

function sayWhatIsThere(directory: string): void {
  say(`That was all. Nothing runs any more; the data are in ${directory}, until you delete it:`);
  console.log(`  ${commandName} session list --data ${directory}/store
  ${commandName} verify --data ${directory}/forged --key ${directory}/key
  rm -r ${directory}
A gateway of your own: ${commandName} init. The same with everything left running: ${commandName} demo --keep`);
}

/** Flips one bit in the middle of the written part of a segment, which zeros follow. Returns the bit's offset in bytes. */
function flipBit(file: string): number {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.findLastIndex((byte) => byte !== 0) / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
  return at;
}
