import { Command, type Option, type OptionValues } from 'commander';

/**
 * Declares when some options of a command mean something. Given otherwise, they are a usage error before the action begins. `holds` gets the arguments of the command
 * as they were parsed, and its options; `when` says it to people: `it goes with --retention`.
 */
export function meaningOnlyIf(
  command: Command,
  names: readonly string[],
  holds: (words: readonly unknown[], options: Readonly<Record<string, unknown>>) => boolean,
  when?: string,
): Command {
  return command.hook('preAction', (_this, self) => {
    const given = self.options.find((option) => names.includes(option.attributeName()) && self.getOptionValueSource(option.attributeName()) === 'cli');
    if (given !== undefined && !holds(self.processedArgs, self.opts())) {
      refuseUnheeded(self, given, when);
    }
  });
}

function refuseUnheeded(command: Command, { flags }: Option, when?: string): never {
  return command.error(`error: option '${flags}' means nothing here, and was not used${when === undefined ? '' : `: ${when}`}`);
}

/** A command that notices which of its options were read, so that no option is accepted and then ignored. */
export class HeededCommand extends Command {
  readonly #read = new Set<string>();

  override createCommand(name?: string): HeededCommand {
    return new HeededCommand(name);
  }

  /** The options for the action. Reading one marks it as used; an action that copies all of them counts as using all. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the signature is Commander's
  override opts<Values extends OptionValues>(): Values {
    return new Proxy(super.opts<Values>(), {
      get: (values, name, receiver): unknown => {
        this.#read.add(String(name));
        return Reflect.get(values, name, receiver);
      },
    });
  }

  /** To be called when the action has ended. Ends the program with a usage error if an option was given that was never read. */
  assertHeeded(): void {
    const unheeded = this.options.find((option) => {
      const name = option.attributeName();
      return this.getOptionValueSource(name) === 'cli' && !this.#read.has(name);
    });
    if (unheeded !== undefined) {
      refuseUnheeded(this, unheeded);
    }
  }
}
