import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { WitnessStatus } from '@countersign/gateway/api';
import { countOf } from '@countersign/gateway/count-of';
import type { Witness } from '@countersign/gateway/witness';
import { openGivenKeys, type VerifierKey } from '@countersign/ledger';
import type { AnchoredLog } from '@countersign/ledger/format';
import { InvalidArgumentError, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { describeFailure } from '../failure.ts';
import { meaningOnlyIf } from '../heeded-command.ts';
import { readTrusted } from '../trusted-keys.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';
import type { AnchorChoice } from '../verify-anchored.ts';
import { readPolicy } from '../verify-directory.ts';

/** So long, in ms, the other witnesses may be missing before that is told. */
const cosignerLostMs = 300_000;

export function addWitness(program: Command): void {
  const witness = program
    .command('witness')
    .description('witnesses, who see that a log only grows')
    .addHelpText('after', '\nExample:\n  countersign witness serve --listen 0.0.0.0:7071 --data ./witness --log ./log-key');
  witness
    .command('serve')
    .description('be a witness (c2sp.org/tlog-witness): cosign the checkpoints of logs, as long as each continues the one before')
    .requiredOption('--listen <address>', 'HOST:PORT; port 0 takes any free one', parseListen)
    .requiredOption('--data <dir>', 'its keys, what it cosigned last, and its anchor log; made at the first start. Never start it with an older copy')
    .option(
      '--log <vkey>',
      'the key of a log that is enrolled if it is not yet, or the file that holds it (log/key, or the keyring log/keys); can be repeated',
      collect,
      [],
    )
    .option('--name <name>', 'the name of its key, made at the first start: a URL without https://, for instance witness.example.com/w1')
    .option('--witnesses <file>', 'a policy of other witnesses (c2sp.org/tlog-policy), which cosign the anchor log')
    .option('--json', 'what it prints at the start as one JSON object')
    .addHelpText(
      'after',
      '\nIt prints the line that a policy of witnesses has for it, and the key of its anchor log, and serves until it is told to stop.\n\nExample:\n  countersign witness serve --listen 0.0.0.0:7071 --data ./witness --log ./log-key',
    )
    .action(serve);
  witness
    .command('enrol')
    .argument('<vkey>', 'the key of the log of a gateway, or the file that holds it (log/key, or the keyring log/keys)')
    .description('have a log cosigned from now on, and write into the anchor log that it counts. The witness must be stopped meanwhile')
    .requiredOption('--data <dir>', 'the directory of the witness')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  countersign witness enrol ./log-key --data ./witness')
    .action(enrol);
  witness
    .command('retire')
    .argument('<log>', 'the name of the log: countersign/0123456789abcdef')
    .description(
      'end a log: nothing more of it is cosigned, and its last size is in the anchor log for good. The witness must be stopped meanwhile, and the gateway before',
    )
    .requiredOption('--data <dir>', 'the directory of the witness')
    .requiredOption('--reason <text>', 'why; it is in the anchor log, which anybody may read')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  countersign witness retire countersign/0123456789abcdef --data ./witness --reason "replaced by two others"')
    .action(retire);
  const statusCommand = addLocation(witness.command('status'))
    .description('what the witnesses of a gateway have cosigned of its log, or what the anchor log of a witness has')
    .option('--anchor <place>', 'the anchor log of a witness, its directory or URL: the logs that are enrolled in it')
    .option('--anchor-key <vkey>', 'the key of the anchor log, or the file that holds it, kept elsewhere; can be repeated', collect, [])
    .option('--anchor-witnesses <file>', 'a policy of witnesses that the newest cosigned checkpoint of the anchor log must meet')
    .option('--known <file>', 'a checkpoint of the anchor log that was kept elsewhere: it must not be older, and must be of the same history')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      '\nExit code 1 if the quorum has cosigned nothing since the start. With --anchor: those of countersign verify.\n\nExample:\n  countersign witness status --json\n  countersign witness status --anchor https://witness.example/anchor',
    )
    .action(status);
  meaningOnlyIf(statusCommand, ['config', 'url'], (_words, { anchor }) => anchor === undefined, 'it names a gateway, and --anchor names a witness');
  meaningOnlyIf(statusCommand, ['anchorKey', 'anchorWitnesses', 'known'], (_words, { anchor }) => anchor !== undefined, 'it goes with --anchor');
}

interface StatusOptions extends LocationOptions, Omit<AnchorChoice, 'anchor'> {
  readonly anchor?: string;
  readonly json?: boolean;
}

async function status(options: StatusOptions): Promise<void> {
  if (options.anchor !== undefined) {
    const { printAnchor } = await import('../verify-anchored.ts');
    await printAnchor({ ...options, anchor: options.anchor });
    return;
  }
  const api = await ApiClient.open(options);
  const shown = await api.json<WitnessStatus>('GET', '/api/v1/witnesses');
  const { quorum, cosigned, records, witnesses } = shown;
  process.exitCode = quorum !== null && cosigned === null ? 1 : 0;
  if (options.json === true) {
    printJson(shown);
    return;
  }
  const head =
    witnesses.length === 0
      ? 'no witnesses are configured: witnesses: { policy: FILE }'
      : quorum === null
        ? 'the policy demands no witness'
        : cosigned === null
          ? `the quorum ${quorum} has cosigned nothing since the start; ${countOf(records, 'record')} published`
          : `the quorum ${quorum} cosigned ${cosigned.records} of ${countOf(records, 'record')} at ${cosigned.time}`;
  const lines = witnesses.map(({ witness, url, state, since, why, records: seen }) => {
    const size = seen === null ? '' : ` ${countOf(seen, 'record')}`;
    return `${witness} ${state}${size} since ${since} ${url}${why === '' ? '' : `: ${why}`}`;
  });
  console.log([bold(head), ...lines.map((line) => escapeControls(line, 'nothing'))].join('\n'));
}

interface ServeOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly data: string;
  readonly log: readonly string[];
  readonly name?: string;
  readonly witnesses?: string;
  readonly json?: boolean;
}

interface ChangeOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** Reads keys of logs. Of a keyring, the newest key counts. */
async function readLogKeys(option: string, values: readonly string[]): Promise<readonly VerifierKey[]> {
  const given = await Promise.all(values.map(async (value) => openGivenKeys([await readTrusted(option, value)])));
  return given.flatMap(({ pinned }) => pinned);
}

async function enrol(value: string, { data, json }: ChangeOptions): Promise<void> {
  const [key] = await readLogKeys('the key', [value]);
  if (key === undefined) {
    throw new Error(`${value} is no key of a log.`);
  }
  await using witness = await openStopped(data, [key]);
  const log = witness.logs.get(key.name);
  if (log === undefined || log.retired !== null) {
    throw new Error(`${key.name} was retired: ${log?.retired}. A log that has ended does not begin again; a new data directory of a gateway is a new log.`);
  }
  said(log, json, `${log.origin} is enrolled`);
}

async function retire(origin: string, { data, reason, json }: ChangeOptions & { readonly reason: string }): Promise<void> {
  await using witness = await openStopped(data, []);
  const log = await witness.retire(origin, reason);
  said(log, json, `${log.origin} is retired with ${countOf(log.newest.size, 'record')}. What its gateway records from now on is in no anchor log`);
}

/** Opens a witness that is there, and does not run. */
async function openStopped(data: string, logs: readonly VerifierKey[]): Promise<Witness> {
  if (!existsSync(join(data, 'witness.key'))) {
    throw new Error(`--data ${data}: there is no witness here. countersign witness serve makes one.`);
  }
  const { Witness } = await import('@countersign/gateway/witness');
  return Witness.open({ data, name: null, logs, now: Date.now });
}

function said({ origin, enrolledS, newest, retired }: AnchoredLog, json: boolean | undefined, words: string): void {
  if (json === true) {
    printJson({ origin, enrolledMs: enrolledS * 1000, records: newest.size, retired });
  } else {
    console.log(escapeControls(words, 'nothing'));
  }
}

/** Returns how other witnesses are asked to cosign the anchor log; what they say goes to standard error. */
function cosignedBy(file: string): NonNullable<Parameters<typeof Witness.open>[0]['anchorWitnesses']> {
  const tell = (what: string): void => {
    process.stderr.write(`countersign: ${escapeControls(what, 'nothing')}\n`);
  };
  return {
    settings: { policy: readPolicy(file), caFile: null, lostMs: cosignerLostMs },
    onNews: (news) => {
      tell(`the anchor log: ${news.what}${'witness' in news ? ` ${news.witness}` : ''}${'why' in news ? `: ${news.why}` : ''}`);
    },
    onTrouble: (error) => {
      tell(`the anchor log was not cosigned: ${describeFailure(error)}`);
    },
  };
}

async function serve({ listen, data, log, name, witnesses, json }: ServeOptions): Promise<void> {
  const { Witness, WitnessServer } = await import('@countersign/gateway/witness');
  const logs = await readLogKeys('--log', log);
  await using witness = await Witness.open({
    data,
    name: name ?? null,
    logs,
    now: Date.now,
    ...(witnesses === undefined ? {} : { anchorWitnesses: cosignedBy(witnesses) }),
  });
  if (witness.logs.size === 0) {
    throw new Error('--log VKEY is missing: the key of a log that is cosigned here, the line in its log/key');
  }
  await using server = await WitnessServer.open({
    ...listen,
    witness,
    onTrouble: (error) => {
      process.stderr.write(`countersign: a request was not answered: ${describeFailure(error)}\n`);
    },
  });
  const { vkey, anchorKey } = witness;
  const [keyName = ''] = vkey.split('+');
  const line = `witness ${keyName} ${vkey} ${server.url}`;
  if (json === true) {
    printJson({ name: keyName, vkey, url: server.url, policyLine: line, anchorKey });
  } else {
    console.log(`${line}\n# its anchor log, ${server.url}/anchor, has the key ${anchorKey}`);
  }
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop();
    });
  }
  await stopped;
}

function parseListen(text: string): ServeOptions['listen'] {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[^:\s[\]]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535) {
    throw new InvalidArgumentError('HOST:PORT is expected, for instance 0.0.0.0:7071.');
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}
