import { defaultData, whatIsLive, writeWholeFile } from '@countersign/gateway/store';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { commandName } from '../installation.ts';
import { configOption } from '../location-options.ts';

export function addInit(program: Command): void {
  program
    .command('init')
    .description('write a commented configuration to begin with')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the data directory that it names, as seen from the file').argParser(parseData).default(defaultData))
    .addHelpText('after', '\nA file that is there already is left as it is.\n\nExample:\n  countersign init')
    .action(init);
}

function init({ config, data }: { readonly config: string; readonly data: string }): void {
  try {
    writeWholeFile(config, template(data), { isNew: true, mode: 0o640 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new Error(`${config} is there already: edit it, or name another with --config FILE`, { cause: error });
    }
    throw error;
  }
  const named = config === './countersign.yaml' ? '' : ` --config ${config}`;
  console.log(`wrote ${config}. Next:
  ${commandName} target add orders postgres://app@db.internal:5432/orders --password-env ORDERS_PASSWORD${named}
  ${commandName} principal add support-bot --target orders${named}
  ${commandName} config check${named}
  ${commandName} token create support-bot --ttl 1h${named}
  ${commandName} up${named}`);
}

function parseData(text: string): string {
  if (text === '') {
    throw new InvalidArgumentError('A directory is expected.');
  }
  return text;
}

const template = (
  data: string,
): string => `# The configuration of a Countersign gateway. docs/configuration.md has every name; countersign config check says what this file means.
# ${whatIsLive()}

# Where records, keys and tokens are kept. The journal and keys.db in it are precious.
data: ${/^\.{0,2}\/[\w./-]*$/.test(data) ? data : JSON.stringify(data)}

# HTTP serves the API and the targets of models, MCP and HTTP. Listen beyond this machine only with tls.
listen: { http: 127.0.0.1:7070, postgres: 127.0.0.1:7432 }
# tls: { cert: gateway.pem, key: gateway.key }

# The key that wraps all others. Without it a root.key is made in the data directory, and whoever has all of that directory can read the records.
# rootKey: { env: COUNTERSIGN_ROOT_KEY }

# The systems behind the gateway, by the names that clients call them. The gateway alone has their passwords, and reads them where these lines say.
targets:
#  orders:
#    url: postgres://app@db.internal:5432/orders?sslmode=verify-full
#    password: { env: ORDERS_PASSWORD }
#  claude:
#    protocol: llm
#    url: https://api.anthropic.com
#    password: { file: claude.key }
#    options: { provider: anthropic }
#  tools: { protocol: mcp, url: "https://mcp.internal/mcp" }
#  tickets: { url: "https://tickets.internal/api", password: { env: TICKETS_KEY }, options: { auth: "header:x-api-key" } }

# Who may come in, and which targets each is granted. Tokens are made with countersign token create NAME. The group admins may use the API, auditors may read the public log and the metrics.
principals:
#  support-bot: { kind: agent, groups: [agents], targets: [orders, claude] }
#  ann: { kind: human, groups: [admins], targets: [orders] }

# For how many days the keys of facts and contents are made, or forever. Nothing is deleted yet, whatever these say.
# retention: { facts: 400, content: 90 }
`;
