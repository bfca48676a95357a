import { readFileSync } from 'node:fs';
import { countOf } from '@countersign/gateway/count-of';
import type { ShownKeys, ShownRotation, ShownSigner } from '@countersign/gateway/api';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { loadConfig } from '../configuration.ts';
import { addLocation, configOption, type LocationOptions } from '../location-options.ts';
import { escapeControls, printJson } from '../terminal.ts';

export function addKey(program: Command): void {
  const key = program
    .command('key')
    .description('the keys that open what is recorded, and those that sign the log')
    .addHelpText('after', '\nExample:\n  countersign key list');
  addLocation(key.command('list'))
    .description('which keys there are, what wraps the root secret, and since when; no key is shown but the public ones')
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  countersign key list')
    .action(list);
  addLocation(key.command('escrow'))
    .description('which root secrets are encrypted for the recipients of keys.escrow')
    .option('--check', 'exit with 1 unless the root secret in force is among them')
    .option('--json', 'print {recipients, files: [{root, written}]}')
    .addHelpText('after', '\nExit codes: 0 done, 1 with --check if the root secret in force is not in escrow.\n\nExample:\n  countersign key escrow --check')
    .action(showEscrow);
  key
    .command('recover')
    .description('put a root secret from escrow back into keys.db, wrapped by what keys.root names; no gateway runs')
    .requiredOption('--identity <file>', 'the file of an identity of age for which it was encrypted')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the data directory, in place of the one of the configuration'))
    .option('--json', 'print {root, file, provider}')
    .addHelpText(
      'after',
      '\nThe files root-N.age are in escrow/ of the data directory; put them back there with keys.db.\n\nExample:\n  countersign key recover --identity key.txt --config countersign.yaml',
    )
    .action(recover);
  const rotate = key
    .command('rotate')
    .description('put a new key in the place of one')
    .addHelpText('after', '\nExample:\n  countersign key rotate root --reason "yearly"');
  addLocation(rotate.command('root'))
    .description('make a new root secret and wrap all keys by it; nothing that was recorded is sealed anew')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      '\nTo change what wraps the root secret, name the new one under keys.root and the old one under keys.previous, and start again (docs/keys.md).\n\nExample:\n  countersign key rotate root --reason "an administrator has left"',
    )
    .action(rotateRoot);
  addLocation(rotate.command('signing'))
    .description('make a new key with which the log is signed from now on; what was signed before still holds')
    .requiredOption('--reason <text>', 'why; it is recorded')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      '\nThe keyring is log/keys: whoever has one key of the log finds the others in it (docs/keys.md).\n\nExample:\n  countersign key rotate signing --reason yearly',
    )
    .action(rotateSigning);
}

interface KeyOptions extends LocationOptions {
  readonly json?: boolean;
}

async function list(options: KeyOptions): Promise<void> {
  const shown = await (await ApiClient.open(options)).json<ShownKeys>('GET', '/api/v1/keys');
  if (options.json === true) {
    printJson(shown);
    return;
  }
  const { root, escrow, signing, classKeys } = shown;
  const since = root.since === null ? 'since the store was made' : `since ${root.since}`;
  const lines = [
    `root secret ${root.number}, wrapped by ${root.provider} ${since}`,
    ...escrow.recipients.map((recipient) => `in escrow for ${recipient}`),
    ...signing.map(({ vkey, from }, at) => {
      const next = signing[at + 1];
      const sizes = next === undefined ? `from size ${from} on` : `from size ${from} to ${next.from - 1}`;
      return `signing key ${at + 1}, ${sizes}: ${vkey}`;
    }),
    ...classKeys.map(({ class: number, keys, firstDay, lastDay }) => {
      const last = lastDay ?? 'for ever';
      return `class ${number}: ${countOf(keys, 'key')}, ${firstDay === lastDay || firstDay === null ? `until ${last}` : `until ${firstDay} to ${last}`}`;
    }),
  ];
  for (const line of lines) {
    console.log(escapeControls(line, 'nothing'));
  }
}

async function showEscrow(options: KeyOptions & { readonly check?: boolean }): Promise<void> {
  const { root, escrow } = await (await ApiClient.open(options)).json<ShownKeys>('GET', '/api/v1/keys');
  const isThere = escrow.recipients.length > 0 && escrow.files.some((file) => file.root === root.number);
  if (options.check === true && !isThere) {
    process.exitCode = 1;
  }
  if (options.json === true) {
    printJson(escrow);
    return;
  }
  for (const recipient of escrow.recipients) {
    console.log(escapeControls(`for ${recipient}`, 'nothing'));
  }
  for (const file of escrow.files) {
    console.log(`root secret ${file.root}, written ${file.written}${file.root === root.number ? ', in force' : ''}`);
  }
  if (!isThere) {
    console.log(`root secret ${root.number}, which is in force, is not in escrow: name recipients under keys.escrow and start again (docs/keys.md)`);
  }
}

interface RecoverOptions extends KeyOptions {
  readonly data?: string;
  readonly identity: string;
}

async function recover(options: RecoverOptions): Promise<void> {
  const { data, keys } = await loadConfig(options);
  const identities = readFileSync(options.identity, 'utf8');
  const { recoverRoot } = await import('@countersign/gateway/recover-root');
  const recovered = await recoverRoot(options.data ?? data, identities, { keys, environment: process.env });
  if (options.json === true) {
    printJson(recovered);
    return;
  }
  const { root, file, provider } = recovered;
  console.log(escapeControls(`root secret ${root} of ${file} opens keys.db, and is wrapped by ${provider} again: start with countersign up`, 'nothing'));
}

async function rotateRoot(options: KeyOptions & { readonly reason: string }): Promise<void> {
  const rotated = await (await ApiClient.open(options)).json<ShownRotation>('POST', '/api/v1/keys/rotate-root', { reason: options.reason });
  if (options.json === true) {
    printJson(rotated);
    return;
  }
  const { root, provider, classKeys } = rotated;
  console.log(escapeControls(`root secret ${root} is in force, wrapped by ${provider}: it wraps ${countOf(classKeys, 'class key')}`, 'nothing'));
}

async function rotateSigning(options: KeyOptions & { readonly reason: string }): Promise<void> {
  const rotated = await (await ApiClient.open(options)).json<ShownSigner>('POST', '/api/v1/keys/rotate-signing', { reason: options.reason });
  if (options.json === true) {
    printJson(rotated);
    return;
  }
  const { vkey, from, keys } = rotated;
  console.log(escapeControls(`signing key ${keys} is in force, from size ${from} on: ${vkey}`, 'nothing'));
}
