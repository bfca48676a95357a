import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { openScriptedModels } from '../support/scripted-models.ts';

const agent = join(import.meta.dirname, '..', 'support', 'replayed-sdks.ts');

/** Two calls at once, then one, then none. */
const calls = [
  [
    { name: 'add', arguments: { a: 2, b: 3 } },
    { name: 'add', arguments: { a: 20, b: 30 } },
  ],
  [{ name: 'add', arguments: { a: 2, b: 3 } }],
];

describe('agents of each SDK, and requests as known agents make them, with calls of tools', () => {
  let gateway: GatewayProcess;
  let recorded: CliResult;
  let sessions: readonly [string, string];
  before(async () => {
    await using models = await openScriptedModels((_, results) => (results === 0 ? (calls[0] ?? []) : results === 2 ? (calls[1] ?? []) : []));
    gateway = await GatewayProcess.start({
      config: `targets:
  openai: { protocol: llm, url: "${models.url}/v1", durability: process }
  claude: { protocol: llm, url: "${models.url}", options: { provider: anthropic }, durability: process }
  gemini: { protocol: llm, url: "${models.url}", options: { provider: gemini }, durability: process }
principals:
  agent: { kind: agent, targets: [openai, claude, gemini] }
`,
    });
    const run = async (): Promise<string> => {
      recorded = await cli({}, 'run', '--as', 'agent', '--', process.execPath, agent);
      assert.equal(recorded.status, 0, recorded.stderr);
      return (await gateway.newest()).session;
    };
    sessions = [await run(), await run()];
    // From here on there is nobody who could answer but the recording.
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
  });

  const cli = async (environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<CliResult> => {
    const child = gateway.spawnCli(words, environment);
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { status, stdout, stderr };
  };
  const replay = async (environment: Readonly<Record<string, string>>): Promise<CliResult> =>
    cli(environment, 'session', 'replay', sessions[0], '--serve', '--', process.execPath, agent);

  test('T4.26: each of them is answered from a recording, whatever ids it makes up', async () => {
    for (const said of [
      /^openai chat: "I have seen 3 results\."$/m,
      /^ai google: \["I have seen 3 results\.",3,\["5","50","5"\]\]$/m,
      /^as Codex: \[2,0\]$/m,
    ]) {
      assert.match(recorded.stdout, said);
    }
    assert.deepEqual(await replay({}), recorded);
  });

  test('T4.26: two runs of them do not part', async () => {
    const { stdout } = await cli({}, 'session', 'diff', ...sessions);
    assert.match(stdout, /^\d{2} requests: the same was asked and answered\n$/);
  });

  test('T4.26: a request that was not recorded gets 404 in the provider’s form, and is named with the nearest one', async () => {
    const { status, stdout, stderr } = await replay({ ASKS: 'another' });
    assert.equal(status, 1);
    const lines = recorded.stdout.split('\n');
    assert.equal(stdout.slice(0, stdout.indexOf('as Gemini CLI')), `${lines.slice(0, lines.indexOf('as Gemini CLI: [0,2]')).join('\n')}\n`);
    assert.match(stdout, /as Gemini CLI: \[404,"\{\\"error\\":\{.*NOT_FOUND/);
    assert.match(
      stderr,
      /nearest is request #\d+, which differs at body\.contents\[0\]\.parts\[0\]\.text:\n {6}recorded: "Add 2 and 3, and 20 and 30\."\n {6}asked: {4}"Add 2 and 3, and 20 and 30\. And 4 and 5\."\n/,
    );
  });
});
