import type { TargetSummary, ToolSummary } from '@countersign/gateway/api';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { printTargetAccess } from '../access.ts';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { addConfigEntry, loadConfig } from '../configuration.ts';
import { addLocation, configOption, type LocationOptions } from '../location-options.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { escapeControls } from '../terminal.ts';

export function addTarget(program: Command): void {
  const target = program.command('target').description('the systems behind the gateway').addHelpText('after', '\nExample:\n  countersign target list');
  addLocation(target.command('list'))
    .description('targets, with the durability that each requires: where a record must be before the recorded bytes move on')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  countersign target list')
    .action(list);
  addLocation(target.command('access').argument('<target>', 'a target of the configuration'))
    .description('who may do what at a target, and by which policies, whatever the requests are')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\ncountersign principal access --help says what the words mean.\n\nExample:\n  countersign target access orders')
    .action(printTargetAccess);
  addLocation(target.command('tools').argument('<target>', 'a target that has listed tools to its clients'))
    .description('the tools of a target, and whether their definitions are those that were pinned')
    .addOption(new Option('--pin', 'pin the present definitions of all its tools').conflicts('accept'))
    .option('--accept <tool>', 'pin the present definition of this tool, which changed')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nA call of a tool whose definition is not the pinned one is denied to agents, unless a policy says otherwise. Who pins and accepts is recorded.\n\nExample:\n  countersign target tools mail --pin',
    )
    .action(tools);
  target
    .command('add')
    .argument('<name>', 'the name by which clients call it')
    .argument('<address...>', 'SCHEME://USER@HOST:PORT/PATH, without a password; or, after --, a program and its arguments, which the gateway starts')
    .description('add a target to the configuration file; a running gateway applies it')
    .addOption(configOption())
    .option('--protocol <protocol>', 'the protocol of the target, if the address does not say it')
    .option('--environment <NAME=VALUE>', 'a variable that the program gets; may be repeated', parseVariable, {})
    .option('--environment-from <variable>', "a variable of the gateway's own environment that the program gets; may be repeated", collect, [])
    .option('--directory <directory>', 'the directory in which the program starts')
    .option('--tag <NAME=VALUE>', 'what policies may ask of the target, for instance environment=production; may be repeated', parseVariable, {})
    .option('--inspect <classes>', 'data classes whose values are looked for in requests and answers, with commas between: email,card', parseList)
    .option('--password-env <variable>', 'the gateway reads the password from this variable of its environment')
    .addOption(new Option('--password-file <file>', 'the gateway reads the password from this file').conflicts('passwordEnv'))
    .addOption(
      new Option('--durability <how>', 'disk: survives power loss; process: survives the death of the gateway').choices(['disk', 'process']).default('disk'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  countersign target add orders postgres://app@db.internal:5432/orders --password-env ORDERS_PASSWORD --tag environment=production\n  countersign target add files --environment-from FILES_KEY -- npx -y @modelcontextprotocol/server-filesystem /srv/docs',
    )
    .action(add);
}

async function list(options: LocationOptions & RowOptions): Promise<void> {
  const targets =
    options.url === undefined ? await readTargets(options) : await (await ApiClient.open(options)).json<readonly TargetSummary[]>('GET', '/api/v1/targets');
  await printRows(targets, options, ({ name, protocol, host, port, path, program, durability }) =>
    columns(name, protocol, program ?? `${host}:${port}${path === '' ? '' : `/${path}`}`, durability),
  );
}

async function readTargets(options: LocationOptions): Promise<readonly TargetSummary[]> {
  const { targets } = await loadConfig(options);
  const { summarizeTarget } = await import('@countersign/gateway/config');
  return [...targets.values()].map(summarizeTarget);
}

interface ToolsOptions extends LocationOptions, RowOptions {
  readonly pin?: boolean;
  readonly accept?: string;
}

async function tools(name: string, options: ToolsOptions): Promise<void> {
  const { pin, accept } = options;
  const client = await ApiClient.open(options);
  const path = `/api/v1/targets/${encodeURIComponent(name)}/tools`;
  const rows =
    pin === true || accept !== undefined
      ? await client.json<readonly ToolSummary[]>('POST', `${path}/pin`, accept === undefined ? {} : { tools: [accept] })
      : await client.json<readonly ToolSummary[]>('GET', path);
  if (rows.length === 0) {
    console.error(`No tools of ${name} are known: it is no target of MCP, or has listed none to its clients yet.`);
  }
  await printRows(rows, options, ({ name: tool, digest, since, pinned, state }) =>
    columns(tool, state, digest, since ?? '', state === 'changed' ? `pinned ${pinned ?? ''}` : ''),
  );
}

interface AddOptions {
  readonly config: string;
  readonly protocol?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFrom: readonly string[];
  readonly directory?: string;
  readonly passwordEnv?: string;
  readonly passwordFile?: string;
  readonly durability: string;
  readonly inspect?: readonly string[];
  readonly tag: Readonly<Record<string, string>>;
}

async function add(name: string, address: readonly string[], options: AddOptions): Promise<void> {
  const { config, protocol, directory, passwordEnv, passwordFile, durability, tag, inspect } = options;
  const [url = ''] = address;
  // HOST:PORT without a scheme is no program either: the configuration says what is wrong with it.
  const isUrl = address.length === 1 && (URL.canParse(url) || /:\d/.test(url));
  const environment = { ...options.environment, ...Object.fromEntries(options.environmentFrom.map((variable) => [variable, { env: variable }])) };
  const value = {
    ...(protocol === undefined ? {} : { protocol }),
    ...(isUrl ? { url } : { command: address }),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    ...(directory === undefined ? {} : { directory }),
    ...(passwordEnv === undefined ? {} : { password: { env: passwordEnv } }),
    ...(passwordFile === undefined ? {} : { password: { file: passwordFile } }),
    ...(durability === 'disk' ? {} : { durability }),
    ...(Object.keys(tag).length === 0 ? {} : { tags: tag }),
    ...(inspect === undefined ? {} : { inspect }),
  };
  await addConfigEntry(config, { section: 'targets', name, value });
  console.log(escapeControls(`added target ${name} to ${config}${isUrl ? '' : `: a program that the gateway starts, ${address.join(' ')}`}`, 'nothing'));
}

function parseList(text: string): readonly string[] {
  return text.split(/[,\s]+/).filter((each) => each !== '');
}

function parseVariable(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) {
    throw new InvalidArgumentError('NAME=VALUE is expected.');
  }
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
