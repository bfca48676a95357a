import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { RequestKey } from '../../domain/replay.ts';
import { llm } from './index.ts';

const keys = llm.replay.keys();
const keyOf = (path: string, body: unknown): RequestKey =>
  keys({ action: 'llm.chat', bytes: Buffer.from(`POST ${path} HTTP/1.1\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(body)}`) }) ?? {
    text: '',
    ids: [],
  };

/** As each client sends a second turn, after a call of a tool. `run`: what is another one in each run; `said`: what is not. */
const clients: readonly { readonly client: string; readonly path: string; readonly body: (run: string, said: string) => unknown; readonly ids: number }[] = [
  {
    client: 'Claude Code',
    path: '/v1/messages?beta=true',
    ids: 3,
    body: (run, said) => ({
      model: 'claude-sonnet-4-5',
      max_tokens: 32_000,
      stream: true,
      metadata: { user_id: JSON.stringify({ device_id: 'ab'.repeat(32), account_uuid: '', session_id: run }) },
      system: [
        { type: 'text', text: `x-anthropic-billing-header: cc_version=2.1.40.a1b; cc_entrypoint=cli; cch=${run.slice(0, 5)};` },
        { type: 'text', text: "You are Claude Code, Anthropic's official CLI for Claude.", cache_control: { type: 'ephemeral' } },
      ],
      messages: [
        { role: 'user', content: [{ type: 'text', text: said }] },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_01A', name: 'Bash', input: { command: 'ls' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01A', content: 'a.txt', is_error: false }] },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_01B',
              content: [
                {
                  type: 'text',
                  text: `It is done.\nagentId: ${run.slice(0, 8)} (use SendMessage with to: '${run.slice(0, 8)}')\n<usage>tool_uses: 1\nduration_ms: ${Number.parseInt(run.slice(0, 4), 16)}</usage>`,
                },
              ],
            },
          ],
        },
      ],
    }),
  },
  {
    client: 'Codex',
    path: '/v1/responses',
    ids: 4,
    body: (run, said) => ({
      model: 'gpt-5-codex',
      stream: true,
      store: false,
      prompt_cache_key: run,
      client_metadata: { 'x-codex-installation-id': randomUUID(), 'x-codex-turn-metadata': JSON.stringify({ turn_id: randomUUID(), at: Date.now() }) },
      input: [
        {
          type: 'message',
          role: 'user',
          id: `msg_${run}`,
          content: [{ type: 'input_text', text: said }],
          internal_chat_message_metadata_passthrough: { turn_id: randomUUID(), create_time: Date.now() + Math.random() },
        },
        { type: 'function_call', name: 'shell', arguments: '{"command":["ls"]}', call_id: 'call_A' },
        {
          type: 'function_call_output',
          id: `fco_${run}`,
          call_id: 'call_A',
          output: `Chunk ID: ${run.slice(0, 6)}\nWall time: 0.${Number.parseInt(run.slice(0, 4), 16)} seconds\nOutput:\na.txt\n`,
        },
      ],
    }),
  },
  {
    client: 'Gemini CLI',
    path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
    ids: 1,
    body: (run, said) => ({
      contents: [
        { role: 'user', parts: [{ text: said }] },
        { role: 'model', parts: [{ functionCall: { id: `list_directory-${run}`, name: 'list_directory', args: { path: '.' } } }] },
        {
          role: 'user',
          parts: [
            {
              functionResponse: {
                id: `list_directory-${run}`,
                name: 'list_directory',
                response: { output: `a.txt\nProcess Group PGID: ${Number.parseInt(run.slice(0, 4), 16)}` },
              },
            },
          ],
        },
      ],
      generationConfig: { temperature: 0 },
    }),
  },
  {
    client: 'Gemini CLI with an account',
    path: '/v1internal:streamGenerateContent?alt=sse',
    ids: 2,
    body: (run, said) => ({
      model: 'gemini-2.5-pro',
      project: 'p',
      user_prompt_id: randomUUID(),
      request: {
        session_id: run,
        contents: [
          { role: 'user', parts: [{ text: said }] },
          { role: 'model', parts: [{ functionCall: { id: `ls-${run}`, name: 'ls', args: {} } }] },
        ],
      },
    }),
  },
  {
    client: 'a client that names tool calls itself',
    path: '/v1/chat/completions',
    ids: 2,
    body: (run, said) => ({
      model: 'm',
      prompt_cache_key: run,
      messages: [
        { role: 'user', content: said },
        { role: 'assistant', tool_calls: [{ id: `call-${run}`, type: 'function', function: { name: 'f', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: `call-${run}`, content: 'done' },
      ],
    }),
  },
  {
    client: 'a client of Bedrock',
    path: '/model/anthropic.claude/converse-stream',
    ids: 1,
    body: (run, said) => ({
      messages: [
        { role: 'user', content: [{ text: said }] },
        { role: 'assistant', content: [{ toolUse: { toolUseId: run, name: 'f', input: {} } }] },
        { role: 'user', content: [{ toolResult: { toolUseId: run, content: [{ text: 'done' }] } }] },
      ],
    }),
  },
];

for (const { client, path, body, ids } of clients) {
  test(`T4.26: ${client} asks the same in each run, whatever ids it makes up`, () => {
    const [first, second] = [randomUUID(), randomUUID()];
    const [one, other] = [keyOf(path, body(first, 'Look.')), keyOf(path, body(second, 'Look.'))];
    assert.equal(one.text, other.text);
    assert.equal(one.ids.length, ids);
    assert.equal(other.ids.length, ids);
    assert.ok(one.ids.some((id) => id.includes(first)) && !one.ids.some((id) => other.ids.includes(id) && id.includes(first)));
    assert.notEqual(keyOf(path, body(first, 'Look there.')).text, one.text, 'what is said counts');
    assert.notEqual(keyOf('/v1/other', body(first, 'Look.')).text, keyOf('/v1/other', body(second, 'Look.')).text, 'nothing is left out elsewhere');
  });
}

test('T4.26: two different ids in one request are not the same one twice', () => {
  const body = (result: string): unknown => ({
    messages: [
      { role: 'assistant', tool_calls: [{ id: 'a' }, { id: 'b' }] },
      { role: 'tool', tool_call_id: result, content: 'x' },
    ],
  });
  assert.notEqual(keyOf('/v1/chat/completions', body('a')).text, keyOf('/v1/chat/completions', body('b')).text);
  assert.notEqual(keyOf('/v1/chat/completions', body('a')).text, keyOf('/v1/chat/completions', body('c')).text);
});

test('T4.26: what clients write into a result of a tool is known by its place and form, and nothing else is left out', () => {
  const resultOf = (output: string): string => keyOf('/v1/responses', { input: [{ type: 'function_call_output', call_id: 'a', output }] }).text;
  const same = (one: string, other: string): boolean => resultOf(one) === resultOf(other);
  assert.ok(same('Exit code: 0\nWall time: 0.1 seconds\nOutput:\nx', 'Exit code: 0\nWall time: 12 seconds\nOutput:\nx'));
  assert.ok(same('Chunk ID: a1\nWall time: 0.1 seconds\nx', 'Chunk ID: b2\nWall time: 0.2 seconds\nx'));
  assert.ok(!same('Exit code: 0\nWall time: 1 seconds\nx', 'Exit code: 1\nWall time: 1 seconds\nx'), 'how it ended counts');
  assert.ok(!same('took:\nWall time: 1 seconds\n', 'took:\nWall time: 2 seconds\n'), 'what a command printed');
  assert.ok(!same('Process Group PGID: 1\nmore', 'Process Group PGID: 2\nmore'));
  assert.ok(same('x\nBackground PIDs: 1, 2\nProcess Group PGID: 3', 'x\nBackground PIDs: 4, 5\nProcess Group PGID: 6'));
  const saidOf = (said: string): string => keyOf('/v1/responses', { input: [{ type: 'message', role: 'user', content: said }] }).text;
  assert.notEqual(saidOf('Chunk ID: a1\nWall time: 0.1 seconds\n'), saidOf('Chunk ID: b2\nWall time: 0.1 seconds\n'), 'what somebody says');
});
