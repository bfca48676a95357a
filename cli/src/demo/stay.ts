import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { commandName } from '../installation.ts';
import { interruption, say, typeCommand } from './typed-commands.ts';
import { WorkingAgents } from './working-agents.ts';

interface Stay {
  readonly config: string;
  readonly addresses: Readonly<Record<string, string>>;
  /** The session of the errand. */
  readonly session: string;
}

/** Serves until Ctrl-C: agents work, a statement waits, and a person looks at all of it in a browser. */
export async function stay({ config, addresses, session }: Stay): Promise<void> {
  await using _agents = new WorkingAgents(config);
  const [host = '', port = ''] = (addresses['postgres'] ?? '').split(':');
  say('The gateway goes on serving until Ctrl-C. A token for you, for one hour:');
  await typeCommand({ words: ['token', 'create', 'you', '--config', config, '--ttl', '1h'], shown: 'token create you --ttl 1h' });
  say('What to type next, in another terminal:');
  console.log(`  psql "host=${host} port=${port} user=you dbname=shop"                 # the token is the password
  curl http://${addresses['http'] ?? ''}/t/model/v1/models -H "Authorization: Bearer TOKEN"
  ${commandName} session list --config ${config}`);
  say('All of it in a browser, where two more agents are at work now:');
  console.log(`  Sessions   the errand (${session.slice(0, 8)}) as one conversation, and watch-bot, which asks every few seconds until you halt it
  Approvals  a statement of stock-bot, which waits for you; when it is decided, the next one comes
  Search     everything touching a model: model:sample-*
  Integrity  all that was recorded, verified in your browser`);
  await showLink(config);
  if (process.stdin.isTTY) {
    const typed = createInterface({ input: process.stdin });
    typed.on('line', () => void showLink(config).catch(() => undefined));
    interruption.signal.addEventListener('abort', () => typed.close());
  }
  if (!interruption.signal.aborted) {
    await once(interruption.signal, 'abort');
  }
}

async function showLink(config: string): Promise<void> {
  const another = process.stdin.isTTY ? 'Enter makes another one.' : 'The command makes another one.';
  say(`A link that signs you in, once, within a minute. ${another}`);
  await typeCommand({ words: ['console', 'you', '--config', config], shown: `console you --config ${config}` });
}
