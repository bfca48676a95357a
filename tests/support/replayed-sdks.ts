/**
 * Agents built with the SDKs of providers, each with a loop over tools, and three that ask exactly as Claude Code, Codex and Gemini CLI do. The ids that these
 * make up differ in each run. It reads the environment of a run and prints all answers. `ASKS=another` makes the last agent ask for something else.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI, type Content } from '@google/genai';
import { generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';

const environment = z
  .object({
    OPENAI_BASE_URL: z.string(),
    OPENAI_API_KEY: z.string(),
    ANTHROPIC_BASE_URL: z.string(),
    ANTHROPIC_API_KEY: z.string(),
    GOOGLE_GEMINI_BASE_URL: z.string(),
    GEMINI_API_KEY: z.string(),
    ASKS: z.string().default(''),
  })
  .parse(process.env);

const turnsMax = 10;
const prompt = 'Add 2 and 3, and 20 and 30.';
const parameters = { type: 'object' as const, properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] };
const description = 'Adds two numbers.';

const given = z.object({ a: z.number(), b: z.number() });
function add(value: unknown): string {
  const { a, b } = given.parse(value);
  return String(a + b);
}

await useOpenai();
await useAnthropic();
await useGoogle();
await useAiSdk();
await askAsClaudeCode();
await askAsCodex();
await askAsGeminiCli();

async function useOpenai(): Promise<void> {
  const client = new OpenAI({ maxRetries: 0 });
  const runner = client.chat.completions.runTools({
    model: 'm',
    prompt_cache_key: randomUUID(),
    messages: [{ role: 'user', content: prompt }],
    tools: [{ type: 'function', function: { name: 'add', description, parameters, parse: (text: string) => given.parse(JSON.parse(text)), function: add } }],
  });
  print('openai chat', await runner.finalContent());
  const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: prompt }];
  const tools = [{ type: 'function' as const, name: 'add', description, parameters, strict: false }];
  for (let turn = 0; turn < turnsMax; turn += 1) {
    const stream = client.responses.stream({ model: 'm', input, tools, store: false, safety_identifier: randomUUID() });
    const answer = await stream.finalResponse();
    const calls = answer.output.filter((item) => item.type === 'function_call');
    input.push(...answer.output.filter((item) => item.type === 'message' || item.type === 'function_call'));
    input.push(...calls.map((call) => ({ type: 'function_call_output' as const, call_id: call.call_id, output: add(JSON.parse(call.arguments)) })));
    if (calls.length === 0) {
      print('openai responses', answer.output_text);
      return;
    }
  }
}

async function useAnthropic(): Promise<void> {
  const client = new Anthropic({ maxRetries: 0 });
  const runner = client.beta.messages.toolRunner({
    model: 'm',
    max_tokens: 100,
    stream: true,
    metadata: { user_id: randomUUID() },
    messages: [{ role: 'user', content: prompt }],
    tools: [{ type: 'custom', name: 'add', description, input_schema: parameters, parse: (value: unknown) => given.parse(value), run: add }],
  });
  for await (const stream of runner) {
    print(
      'anthropic',
      (await stream.finalMessage()).content.map((block) => (block.type === 'text' ? block.text : block.type)),
    );
  }
}

async function useGoogle(): Promise<void> {
  const client = new GoogleGenAI({});
  const declared = [{ functionDeclarations: [{ name: 'add', description, parametersJsonSchema: parameters }] }];
  const contents: Content[] = [{ role: 'user', parts: [{ text: prompt }] }];
  for (let turn = 0; turn < turnsMax; turn += 1) {
    const answer = await client.models.generateContent({ model: 'm', contents, config: { tools: declared } });
    const calls = (answer.functionCalls ?? []).map((call) => ({ ...call, id: call.id ?? randomUUID() }));
    if (calls.length === 0) {
      print('google', answer.text);
      return;
    }
    contents.push({ role: 'model', parts: calls.map((functionCall) => ({ functionCall })) });
    contents.push({
      role: 'user',
      parts: calls.map(({ id, name = '', args }) => ({ functionResponse: { id, name, response: { output: add(args) } } })),
    });
  }
}

async function useAiSdk(): Promise<void> {
  const tools = { add: tool({ description, inputSchema: jsonSchema(parameters), execute: add }) };
  const asked = { prompt, tools, stopWhen: isStepCount(turnsMax), maxRetries: 0, maxOutputTokens: 100 };
  const google = createGoogleGenerativeAI({ baseURL: `${environment.GOOGLE_GEMINI_BASE_URL}/v1beta` });
  const anthropic = createAnthropic({ baseURL: environment.ANTHROPIC_BASE_URL });
  for (const [name, model] of Object.entries({
    chat: createOpenAI().chat('m'),
    responses: createOpenAI()('m'),
    anthropic: anthropic('m'),
    google: google('m'),
  })) {
    const { text, steps } = await generateText({ ...asked, model });
    print(`ai ${name}`, [text, steps.length, steps.flatMap(({ toolResults }) => toolResults.map(({ output }) => output))]);
  }
  print('ai google, streamed', await streamText({ ...asked, model: google('m') }).text);
}

interface Asking {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Returns the body of a turn. `said` holds all messages before it. */
  readonly body: (said: readonly unknown[]) => unknown;
  /** Returns the messages that follow an answer, with the results of all its calls; empty if the conversation is over. */
  readonly next: (answer: Answer) => readonly unknown[];
}

/** An answer as the events in which it came. */
type Answer = readonly Event[];
type Event = Readonly<Record<string, unknown>>;

async function converse(client: string, { url, headers, body, next }: Asking): Promise<void> {
  const said: unknown[] = [];
  for (let turn = 0; turn < turnsMax; turn += 1) {
    const sent = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body(said)) };
    const answer = await fetch(url, sent);
    const text = await answer.text();
    if (!answer.ok) {
      print(client, [answer.status, text]);
      return;
    }
    const more = next([...text.matchAll(/^data: (.*)$/gm)].map(([, event = '']): Event => z.record(z.string(), z.unknown()).parse(JSON.parse(event))));
    print(client, [turn, more.length]);
    if (more.length === 0) {
      return;
    }
    said.push(...more);
  }
}

async function askAsClaudeCode(): Promise<void> {
  const session = randomUUID();
  const block = z.object({ content_block: z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string() }) });
  const subagent = randomBytes(8).toString('hex');
  const report = `Done.\nagentId: ${subagent} (use SendMessage with to: '${subagent}', summary: '<5-10 word recap>' to continue this agent)`;
  await converse('as Claude Code', {
    url: `${environment.ANTHROPIC_BASE_URL}/v1/messages?beta=true`,
    headers: { 'x-api-key': environment.ANTHROPIC_API_KEY, 'anthropic-version': '2023-06-01', 'x-claude-code-session-id': session, 'x-app': 'cli' },
    body: (said) => ({
      model: 'claude-opus-5-5',
      messages: [{ role: 'user', content: [{ type: 'text', text: prompt }] }, { role: 'system', content: '# Environment' }, ...said],
      system: [
        { type: 'text', text: `x-anthropic-billing-header: cc_version=2.1.332.0b8; cc_entrypoint=sdk-cli; cch=${randomBytes(3).toString('hex')};` },
        { type: 'text', text: "You are a Claude agent, built on Anthropic's Claude Agent SDK.", cache_control: { type: 'ephemeral' } },
      ],
      tools: [{ name: 'add', description, input_schema: parameters }],
      metadata: { user_id: JSON.stringify({ device_id: randomBytes(32).toString('hex'), account_uuid: '', session_id: session }) },
      max_tokens: 128_000,
      stream: true,
    }),
    next: (answer) => {
      const uses = answer.flatMap((event) => block.safeParse(event).data?.content_block ?? []);
      return uses.length === 0
        ? []
        : [
            { role: 'assistant', content: uses.map(({ id, name }) => ({ type: 'tool_use', id, name, input: { a: 2, b: 3 } })) },
            {
              role: 'user',
              content: uses.map(({ id }) => ({
                tool_use_id: id,
                type: 'tool_result',
                content: [{ type: 'text', text: `${report}\n<usage>subagent_tokens: 14\ntool_uses: 4\nduration_ms: ${randomInt(10_000)}</usage>` }],
              })),
            },
          ];
    },
  });
}

async function askAsCodex(): Promise<void> {
  const thread = randomUUID();
  const turn = randomUUID();
  const done = z.object({ type: z.literal('response.output_item.done'), item: z.looseObject({ type: z.string(), call_id: z.string().optional() }) });
  const passed = { internal_chat_message_metadata_passthrough: { turn_id: turn, create_time: Date.now() + Math.random() } };
  const first = { type: 'message', id: `msg_${randomUUID()}`, role: 'user', content: [{ type: 'input_text', text: prompt }], ...passed };
  await converse('as Codex', {
    url: `${environment.OPENAI_BASE_URL}/responses`,
    headers: { authorization: `Bearer ${environment.OPENAI_API_KEY}`, accept: 'text/event-stream', 'session-id': thread, 'x-client-request-id': thread },
    body: (said) => ({
      model: 'gpt-5-codex',
      stream: true,
      input: [first, ...said],
      tools: [{ type: 'function', name: 'add', strict: false, parameters }],
      store: false,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: thread,
      client_metadata: { turn_id: turn, thread_id: thread, 'x-codex-turn-metadata': JSON.stringify({ turn_id: turn, turn_started_at_unix_ms: Date.now() }) },
    }),
    next: (answer) => {
      const items = answer.flatMap((event) => done.safeParse(event).data?.item ?? []);
      const calls = items.filter(({ type }) => type === 'function_call');
      const output = (): string =>
        `Chunk ID: ${randomBytes(3).toString('hex')}\nWall time: ${Math.random().toFixed(4)} seconds\nProcess exited with code 0\nOutput:\n5\n`;
      return calls.length === 0
        ? []
        : [...items, ...calls.map(({ call_id }) => ({ type: 'function_call_output', id: `fco_${randomUUID()}`, call_id, output: output() }))];
    },
  });
}

async function askAsGeminiCli(): Promise<void> {
  const answered = z.object({ candidates: z.array(z.object({ content: z.object({ parts: z.array(z.looseObject({})) }) })) });
  const called = z.object({ functionCall: z.object({ name: z.string(), args: z.unknown() }) });
  const text = environment.ASKS === 'another' ? `${prompt} And 4 and 5.` : prompt;
  await converse('as Gemini CLI', {
    url: `${environment.GOOGLE_GEMINI_BASE_URL}/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse`,
    headers: { 'x-goog-api-key': environment.GEMINI_API_KEY },
    body: (said) => ({
      contents: [{ role: 'user', parts: [{ text }] }, ...said],
      tools: [{ functionDeclarations: [{ name: 'add', description, parametersJsonSchema: parameters }] }],
      generationConfig: { temperature: 1, topP: 0.95, thinkingConfig: { includeThoughts: true } },
    }),
    next: (answer) => {
      const parts = answer.flatMap((event) => answered.parse(event).candidates.flatMap(({ content }) => content.parts));
      const calls = parts
        .flatMap((part) => called.safeParse(part).data?.functionCall ?? [])
        .map((call, i) => ({ ...call, id: `add_${Date.now()}_${randomInt(1e6)}_${i}` }));
      return calls.length === 0
        ? []
        : [
            { role: 'model', parts: calls.map((functionCall) => ({ functionCall, thoughtSignature: 'skip_thought_signature_validator' })) },
            {
              role: 'user',
              parts: calls.map(({ id, name }) => ({
                functionResponse: {
                  id,
                  name,
                  response: { output: `<untrusted_context>\nOutput: 5\nProcess Group PGID: ${randomInt(100_000)}\n</untrusted_context>` },
                },
              })),
            },
          ];
    },
  });
}

function print(what: string, value: unknown): void {
  console.log(`${what}: ${JSON.stringify(value)}`);
}
