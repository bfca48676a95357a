import type { WitnessStatus } from '@countersign/gateway/api';
import { countOf } from '@countersign/gateway/count-of';
import { parseVerifierKey } from '@countersign/ledger';
import { InvalidArgumentError, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { collect } from '../arguments.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';
import { describeFailure } from '../failure.ts';
import { readVerifierKey } from '../trusted-keys.ts';
import { bold, escapeControls, printJson } from '../terminal.ts';

export function addWitness(program: Command): void {
  const witness = program
    .command('witness')
    .description('witnesses, who see that a log only grows')
    .addHelpText('after', '\nExample:\n  countersign witness serve --listen 0.0.0.0:7071 --data ./witness --log ./log-key');
  witness
    .command('serve')
    .description('be a witness (c2sp.org/tlog-witness): cosign the checkpoints of logs, as long as each continues the one before')
    .requiredOption('--listen <address>', 'HOST:PORT; port 0 takes any free one', parseListen)
    .requiredOption('--data <dir>', 'its key and what it cosigned last; made at the first start. Never start it with an older copy')
    .option('--log <vkey>', 'the key of a log that it cosigns, or the file that holds it (log/key); can be repeated', collect, [])
    .option('--name <name>', 'the name of its key, made at the first start: a URL without https://, for instance witness.example.com/w1')
    .option('--json', 'what it prints at the start as one JSON object')
    .addHelpText(
      'after',
      '\nIt prints the line that a policy of witnesses has for it, and serves until it is told to stop.\n\nExample:\n  countersign witness serve --listen 0.0.0.0:7071 --data ./witness --log ./log-key',
    )
    .action(serve);
  addLocation(witness.command('status'))
    .description('what the witnesses of a gateway have cosigned of its log')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExit code 1 if the quorum has cosigned nothing since the start.\n\nExample:\n  countersign witness status --json')
    .action(status);
}

async function status(options: LocationOptions & { readonly json?: boolean }): Promise<void> {
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
  readonly json?: boolean;
}

async function serve({ listen, data, log, name, json }: ServeOptions): Promise<void> {
  if (log.length === 0) {
    throw new Error('--log VKEY is missing: the key of a log that is cosigned here, the line in its log/key');
  }
  const { Witness, WitnessServer } = await import('@countersign/gateway/witness');
  const logs = log.map((value) => parseVerifierKey(readVerifierKey('--log', value)));
  using witness = await Witness.open({ data, name: name ?? null, logs, now: Date.now });
  await using server = await WitnessServer.open({
    ...listen,
    witness,
    onTrouble: (error) => {
      process.stderr.write(`countersign: a request was not answered: ${describeFailure(error)}\n`);
    },
  });
  const { vkey } = witness;
  const [keyName = ''] = vkey.split('+');
  const line = `witness ${keyName} ${vkey} ${server.url}`;
  if (json === true) {
    printJson({ name: keyName, vkey, url: server.url, policyLine: line });
  } else {
    console.log(line);
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
