import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultData, whatIsLive, writeWholeFile } from '@countersign/gateway/store';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { commandName } from '../installation.ts';
import { configOption } from '../location-options.ts';

export function addInit(program: Command): void {
  program
    .command('init')
    .description('write a commented configuration to begin with, and a policy beside it')
    .addOption(configOption())
    .addOption(new Option('--data <dir>', 'the data directory that it names, as seen from the file').argParser(parseData).default(defaultData))
    .addHelpText(
      'after',
      '\nThe policy is in policies/ beside the configuration. Files that are there already are left as they are.\n\nExample:\n  countersign init',
    )
    .action(init);
}

function init({ config, data }: { readonly config: string; readonly data: string }): void {
  if (!writeNew(config, template(data))) {
    throw new Error(`${config} is there already: edit it, or name another with --config FILE`);
  }
  const policies = join(dirname(config), 'policies');
  const policy = join(policies, 'agents.cedar');
  mkdirSync(policies, { recursive: true });
  const wrote = writeNew(policy, policyTemplate) ? `${config} and ${policy}` : config;
  const named = config === './countersign.yaml' ? '' : ` --config ${config}`;
  console.log(`wrote ${wrote}. Next:
  ${commandName} target add orders postgres://app@db.internal:5432/orders --password-env ORDERS_PASSWORD${named}
  ${commandName} principal add support-bot --group agents --target orders${named}
  ${commandName} config check${named}
  ${commandName} token create support-bot --ttl 1h${named}
  ${commandName} up${named}`);
}

/** Writes a file. False if there is one already. */
function writeNew(file: string, text: string): boolean {
  try {
    writeWholeFile(file, text, { isNew: true, mode: 0o640 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return false;
    }
    throw error;
  }
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
# keys: { root: { env: COUNTERSIGN_ROOT_KEY } }

# The systems behind the gateway, by the names that clients call them. The gateway alone has their passwords, and reads them where these lines say.
targets:
#  orders:
#    url: postgres://app@db.internal:5432/orders?sslmode=verify-full
#    password: { env: ORDERS_PASSWORD }
#    tags: { environment: production }       # for policies
#    inspect: [email]                        # classes of data that are looked for, followed and recorded; docs/masks.md
#  claude:
#    protocol: llm
#    url: https://api.anthropic.com
#    password: { file: claude.key }
#    options: { provider: anthropic }
#  tools: { protocol: mcp, url: "https://mcp.internal/mcp" }
#  tickets: { url: "https://tickets.internal/api", password: { env: TICKETS_KEY }, options: { auth: "header:x-api-key" } }

# Who may come in, and which targets each is granted. Tokens are made with countersign token create NAME. The group admins administers and reads no content, auditors may read the public log and the metrics.
principals:
#  support-bot: { kind: agent, groups: [agents], targets: [orders, claude] }
#  ann: { kind: human, groups: [admins], targets: [orders] }

# The organisation's accounts: tokens of its OpenID provider are accepted, people sign in with countersign login, and groups of theirs are granted targets. docs/identity.md
# identity: { issuers: { corp: { url: "https://id.corp.example", clientId: countersign, audience: countersign, groups: groups, principal: email } } }
# groups: { compliance: { targets: [] } }

# Who may read what was recorded, besides the operator of this machine. docs/roles.md
# roles: { analyst: { groups: [compliance] } }

# What may be done beyond the grants: the files *.cedar of this directory. docs/policy.md leads to the first policy in five minutes.
policies: ./policies

# Classes of data beside those that countersign class list prints, for inspect and for @mask in policies. docs/classes.md has columns, members of JSON, patterns and words.
# classes: { health: { classes: [icd10, nhs-number] } }

# For how long contents (keep) and facts are kept, or forever; then they are destroyed. Of the rules that hold for a record, the longest counts. docs/retention.md
# retention: { default: { keep: 400d, facts: 7y }, rules: [{ query: "class:health", keep: 6y, floor: 6y }, { query: "target:playground", keep: 30d }] }
`;

const policyTemplate = `// Policies in Cedar. countersign policy check says whether they are valid, countersign policy show what is in force. A file that is saved is taken up when it has stayed the same for a second.
// docs/policy.md explains the language with examples, docs/policy-facts.md lists every action and every fact.

// Agents are the principals of the group agents: groups: [agents] in the configuration, or principal add --group agents.
// At a database they do nothing that the gateway cannot see through: functions of your own, whatever calls them, and tables that it does not find there.
// To allow one, say what it does in the target's options: functions: { app.total: read }
@id("unknown")
@reason("It cannot be seen what this statement does: it names a table that is not there, or a function that is not known. Correct it, or ask the operator to tell the gateway what the function does.")
forbid (principal in Group::"agents", action in Action::"postgres", resource)
when { context.effects.contains("unknown") };

// A DELETE or an UPDATE says which rows.
// @id("where")
// @reason("Say which rows: a DELETE or UPDATE needs a WHERE clause.")
// forbid (principal in Group::"agents", action in Action::"postgres", resource)
// when { context.statements.containsAny(["delete", "update"]) && !context.hasWhere };

// A change that an agent makes in production waits until somebody of the group dba has approved it. The target says so: tags: { environment: production },
// or target add --tag environment=production.
// @id("production")
// @approval("dba")
// forbid (principal in Group::"agents", action, resource)
// when { resource.environment == "production" && context.effects.containsAny(["write", "define", "execute", "administer", "unknown"]) };

// Agents only read, at any target of any protocol. With @mode("observe") it is recorded what this would deny, and nothing is denied.
// @id("read-only")
// @mode("observe")
// forbid (principal in Group::"agents", action, resource)
// unless { ["read"].containsAll(context.effects) };
`;
