/**
 * A support agent: the OpenAI SDK with a loop over tools. It reads what usual clients read (OPENAI_BASE_URL, PGHOST and so on) and does not know that a gateway
 * is there. Run it with `countersign run --as support-bot -- node examples/support-agent.ts`.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import OpenAI from 'openai';
import pg from 'pg';

const [, , question = 'Ada Byron asks where order 101 is. Put its state right, tell all customers where its parcel is, and clear up the old orders.'] =
  process.argv;
const turnsMax = 500;
const { TOOLS_URL = '', MAIL_URL = '', CHECKER_URL = '', SSH_CONFIG = '', CARTS_URL = 'redis://localhost', COUNTERSIGN_TOKEN = '' } = process.env;
const carts = new URL(CARTS_URL);
const headers = { authorization: `Bearer ${COUNTERSIGN_TOKEN}` };

const model = new OpenAI();
const database = new pg.Client();
database.on('notice', ({ message = '' }) => {
  say('notice', message);
});
// The end of a connection fails the statement that uses it. Without this it would end the agent as well.
database.on('error', () => undefined);
await database.connect();
const server = new Client({ name: 'support-agent', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
await server.connect(new StreamableHTTPClientTransport(new URL(TOOLS_URL), { requestInit: { headers } }));

interface Tool {
  readonly description: string;
  readonly parameters: Record<string, unknown>;
  call(input: Readonly<Record<string, unknown>>): Promise<string>;
}

let newestRows: readonly object[] = [];

const tools = new Map<string, Tool>([
  [
    'run_sql',
    {
      description: 'Runs a statement on the database of the shop',
      parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
      call: async ({ query }) => {
        newestRows = (await database.query(String(query))).rows;
        if (newestRows.length > 0) {
          say('rows', newestRows.map((row) => Object.values(row).join(' | ')).join('\n        '));
        }
        return JSON.stringify(newestRows);
      },
    },
  ],
  [
    'run_shell',
    {
      description: 'Runs a command at the depot',
      parameters: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
      call: async ({ command }) => {
        const stdout = await run('ssh', ['-F', SSH_CONFIG, 'depot', String(command)]);
        say('shell', stdout.trim());
        return stdout;
      },
    },
  ],
  [
    'run_redis',
    {
      description: 'Runs a command on the Redis with the carts',
      parameters: { type: 'object', properties: { command: { type: 'array', items: { type: 'string' } } }, required: ['command'] },
      call: async ({ command }) => {
        const stdout = await run('redis-cli', ['--user', 'carts', '-h', carts.hostname, '-p', carts.port, '-e', ...[command].flat().map(String)]);
        say('cart', stdout.trim().split('\n').join(' | '));
        return stdout;
      },
    },
  ],
  [
    'check_address',
    {
      description: 'Asks a service on the Internet whether the address in the rows that were read last takes mail',
      parameters: { type: 'object', properties: {} },
      call: async () => post(`${CHECKER_URL}/addresses`, newestRows),
    },
  ],
  [
    'send_mail',
    {
      description: 'Writes to a customer',
      parameters: { type: 'object', properties: { customer: { type: 'integer' }, body: { type: 'string' } }, required: ['customer', 'body'] },
      call: async (input) => post(`${MAIL_URL}/messages`, input),
    },
  ],
]);
for (const { name, description = '', inputSchema } of (await server.listTools()).tools) {
  tools.set(name, {
    description,
    parameters: inputSchema,
    call: async (input) => {
      const { content } = await server.callTool({ name, arguments: { ...input } });
      return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
    },
  });
}

const offered = [...tools].map(([name, { description, parameters }]) => ({ type: 'function' as const, function: { name, description, parameters } }));
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: 'You help the customers of a shop. Use the tools.' },
  { role: 'user', content: question },
];
say('asked', question);
try {
  await work();
} catch (error) {
  say('ended', error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
await server.close().catch(() => undefined);
await database.end().catch(() => undefined);

/** Runs a program. What it says on its standard error is the reason if it fails. */
async function run(program: string, words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, words).catch(({ stderr, message }) => {
    throw new Error(String(stderr ?? '').trim() || String(message));
  });
  return stdout;
}

async function post(url: string, body: object): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const said = await answer.text();
  if (!answer.ok) {
    const { detail }: { readonly detail?: string } = JSON.parse(said);
    throw new Error(detail);
  }
  return said;
}

/** Asks the model and calls the tools that it asks for, until it asks for none. */
async function work(): Promise<void> {
  for (let turn = 0; turn < turnsMax; turn++) {
    const message = await nextTurn();
    messages.push(message);
    for (const call of message.tool_calls ?? []) {
      messages.push(await runTool(call));
    }
    if (message.tool_calls === undefined) {
      return;
    }
  }
}

/** One answer of the model. Its words are printed as they come. */
async function nextTurn(): Promise<OpenAI.ChatCompletionMessage> {
  const stream = model.chat.completions.stream({ model: 'sample-1', messages, tools: offered });
  process.stdout.write('  model: ');
  stream.on('content', (words) => process.stdout.write(words));
  try {
    return await stream.finalMessage();
  } finally {
    process.stdout.write('\n');
  }
}

/** Calls a tool. If that fails, the model is told why. */
async function runTool(call: OpenAI.ChatCompletionMessageToolCall): Promise<OpenAI.ChatCompletionToolMessageParam> {
  if (call.type !== 'function') {
    throw new Error('only functions were offered');
  }
  say('tool', `${call.function.name} ${call.function.arguments}`);
  try {
    const content = (await tools.get(call.function.name)?.call(JSON.parse(call.function.arguments))) ?? 'there is no such tool';
    return { role: 'tool', tool_call_id: call.id, content };
  } catch (error) {
    const content = error instanceof Error ? error.message : String(error);
    say('refused', content);
    return { role: 'tool', tool_call_id: call.id, content };
  }
}

function say(who: string, text: string): void {
  console.log(`  ${who}: ${text}`);
}
