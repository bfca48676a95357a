/**
 * A support agent: the OpenAI SDK with a loop over tools. It reads what usual clients read (OPENAI_BASE_URL, PGHOST and so on) and does not know that a gateway
 * is there. Run it with `countersign run --as support-bot -- node examples/support-agent.ts`.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import OpenAI from 'openai';
import pg from 'pg';

const question = 'Where is the order of ada@example.com? Let her know.';
const turnsMax = 8;
const { TOOLS_URL = '', MAIL_URL = '', COUNTERSIGN_TOKEN = '' } = process.env;
const headers = { authorization: `Bearer ${COUNTERSIGN_TOKEN}` };

const model = new OpenAI();
const database = new pg.Client();
await database.connect();
const server = new Client({ name: 'support-agent', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
await server.connect(new StreamableHTTPClientTransport(new URL(TOOLS_URL), { requestInit: { headers } }));

interface Tool {
  readonly description: string;
  readonly parameters: Record<string, unknown>;
  call(input: Readonly<Record<string, unknown>>): Promise<string>;
}

const tools = new Map<string, Tool>([
  [
    'run_sql',
    {
      description: 'Runs a statement on the database of the shop',
      parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
      call: async ({ query }) => JSON.stringify((await database.query(String(query))).rows),
    },
  ],
  [
    'send_mail',
    {
      description: 'Writes to a customer',
      parameters: { type: 'object', properties: { to: { type: 'string' }, body: { type: 'string' } }, required: ['to', 'body'] },
      call: async (input) => {
        const answer = await fetch(`${MAIL_URL}/messages`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(input),
        });
        return answer.text();
      },
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
for (let turn = 0; turn < turnsMax; turn++) {
  const { message } = await nextTurn();
  messages.push(message);
  if (message.content !== null) {
    say('model', message.content);
  }
  if (message.tool_calls === undefined || message.tool_calls.length === 0) {
    break;
  }
  const results = await Promise.all(message.tool_calls.map(runTool));
  messages.push(...results);
}
await server.close();
await database.end();

/** One answer of the model, streamed. */
async function nextTurn(): Promise<OpenAI.ChatCompletion.Choice> {
  const completion = await model.chat.completions.stream({ model: 'sample-1', messages, tools: offered }).finalChatCompletion();
  const [choice] = completion.choices;
  if (choice === undefined) {
    throw new Error('the model gave no answer');
  }
  return choice;
}

async function runTool(call: OpenAI.ChatCompletionMessageToolCall): Promise<OpenAI.ChatCompletionToolMessageParam> {
  if (call.type !== 'function') {
    throw new Error('only functions were offered');
  }
  say('tool', `${call.function.name} ${call.function.arguments}`);
  const content = (await tools.get(call.function.name)?.call(JSON.parse(call.function.arguments))) ?? 'there is no such tool';
  return { role: 'tool', tool_call_id: call.id, content };
}

function say(who: string, text: string): void {
  console.log(`  ${who}: ${text}`);
}
