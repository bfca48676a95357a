import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';

void describe('what a model thinks of a session', () => {
  const parts = suiteParts();
  let gateway: GatewayProcess;
  /** The content of the next answer of the model, and what it was asked last. */
  let content = '';
  let asked = '';

  before(async () => {
    const model = parts.use(
      await openServer(async (request, response) => {
        asked = await text(request);
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ id: 'c1', object: 'chat.completion', model: 'judge', choices: [{ index: 0, message: { role: 'assistant', content } }] }));
        await once(response, 'close');
      }),
    );
    gateway = parts.use(
      await GatewayProcess.start({
        config: `targets: { models: { protocol: llm, url: "${model.url}" } }\nprincipals: { reviewer: { kind: agent, targets: [models] }, bot: { kind: agent, targets: [models] } }\n`,
      }),
    );
  });

  async function ended(): Promise<string> {
    const { session } = Object.assign({ session: '' }, await (await gateway.api('/api/v1/runs', { method: 'POST', body: { principal: 'bot' } })).json());
    await (await gateway.api(`/api/v1/runs/${session}/end`, { method: 'POST', body: { exitCode: 0 } })).text();
    return session;
  }

  /** Runs a command while this process goes on to serve the model. */
  async function run(words: readonly string[]): Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }> {
    const child = gateway.spawnCli(words);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { status: child.exitCode, stdout, stderr };
  }

  test('C32: it is a suggestion that is shown as text; the question and the answer are on record, and nothing is signed', async () => {
    const session = await ended();
    content = JSON.stringify({ risk: 'low', summary: 'Nothing \u001B[2J happened.', records: [1] });
    const words = ['review', 'suggest', session, '--as', 'reviewer', '--target', 'models', '--model', 'judge'];
    const { status, stdout, stderr } = await run(words);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout, 'judge suggests, and nobody checked it: low risk (#1)\n    Nothing \\x1b[2J happened.\n');
    assert.match(asked, /gateway\.run allow/);
    assert.deepEqual(JSON.parse((await run([...words, '--json'])).stdout), {
      model: 'judge',
      risk: 'low',
      summary: 'Nothing \u001B[2J happened.',
      records: [1],
    });

    content = 'Signed. {"risk": "low"}';
    const wrong = await run(words);
    assert.deepEqual([wrong.status, wrong.stdout], [1, '']);
    assert.match(wrong.stderr, /the answer of the model is no suggestion/);

    const questions = gateway.rows(['search', 'kind:prompt principal:reviewer model:judge']);
    assert.equal(questions.length, 3);
    assert.equal(gateway.rows<{ readonly review: unknown }>(['review', 'list', '--threshold', '0']).filter(({ review }) => review !== null).length, 0);
    assert.ok(
      (await gateway.sessions()).every(({ state }) => state === 'closed'),
      'each run ends with its command',
    );
  });
});
