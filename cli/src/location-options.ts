import { Option, type Command } from 'commander';

/** The options that tell a command which gateway to use. */
export interface LocationOptions {
  readonly config: string;
  readonly url?: string;
}

export function configOption(): Option {
  return new Option('--config <file>', 'configuration of the gateway on this machine').default('./countersign.yaml');
}

export function addLocation(command: Command): Command {
  return command
    .addOption(configOption())
    .addOption(new Option('--url <url>', "API of a gateway elsewhere; an administrator's token is in COUNTERSIGN_TOKEN").conflicts('config'));
}
