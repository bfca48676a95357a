import { Option, type Command } from 'commander';
import { collect } from './arguments.ts';
import { meaningOnlyIf } from './heeded-command.ts';

/** The options that tell a command which gateway to use. */
export interface LocationOptions {
  readonly config: string;
  readonly url?: string;
}

export function configOption(): Option {
  return new Option('--config <file>', 'configuration of the gateway on this machine').default('./countersign.yaml');
}

export function urlOption(description: string): Option {
  return new Option('--url <url>', description).conflicts('config');
}

/** Says as whom a command asks the gateway, for the help of each command that does. */
const whoAsks =
  "The gateway is asked as the principal of the token in COUNTERSIGN_TOKEN. Without a token it is asked as who signed in at --url (countersign login), or as the operator, which needs the rights of the gateway's user on its machine.";

export function addLocation(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(urlOption('API of a gateway elsewhere; needs countersign login, or a token in COUNTERSIGN_TOKEN'))
    .addHelpText('after', `\n${whoAsks}`);
}

/** Adds the options of a command that can ask several gateways the same. */
export function addLocations(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(
      urlOption(
        'API of a gateway elsewhere; several times: all of them are asked. Needs countersign login at each, or a token in COUNTERSIGN_TOKEN that all accept',
      )
        .argParser(collect)
        .default([]),
    )
    .addHelpText('after', `\n${whoAsks}`);
}

/** Adds the option that names a bundle to a command that otherwise asks a gateway, and the one for its keys. */
export function addBundle(command: Command, about: string): Command {
  command.addOption(new Option('--bundle <file>', about).conflicts(['config', 'url', 'data'])).addOption(keyOption());
  return meaningOnlyIf(command, ['key'], (_words, { bundle }) => bundle !== undefined, 'it goes with --bundle');
}

/** The option for the keys by which a bundle is trusted. */
export function keyOption(): Option {
  return new Option('--key <vkey>', 'with a bundle: a key to trust, or the file that holds it or the keyring; can be repeated').argParser(collect).default([]);
}
