import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import type { ReviewSuggestion } from '../../gateway/src/search/found.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

void describe('what a model thinks of a session', () => {
  const parts = suiteParts();
  let gateway: GatewayProcess;
  /** The content of the next answer of the model, and what it was asked last. */
  let content = '';
  let asked = '';
  let answered = 0;
  let url = '';
  const configuration = (more: string): string => `targets: { models: { protocol: llm, url: "${url}" } }
principals: { reviewer: { kind: agent, groups: [reviewers], targets: [models] }, bot: { kind: agent, targets: [models] } }
${more}
`;

  before(async () => {
    const model = parts.use(
      await openServer(async (request, response) => {
        asked = await text(request);
        answered += 1;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ id: 'c1', object: 'chat.completion', model: 'judge', choices: [{ index: 0, message: { role: 'assistant', content } }] }));
        await once(response, 'close');
      }),
    );
    ({ url } = model);
    gateway = parts.use(
      await GatewayProcess.start({
        config: configuration(''),
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

    await gateway.whenIndexed();
    const questions = gateway.rows(['search', 'kind:prompt principal:reviewer model:judge']);
    assert.equal(questions.length, 3);
    assert.equal(gateway.rows<{ readonly review: unknown }>(['review', 'list', '--threshold', '0']).filter(({ review }) => review !== null).length, 0);
    assert.ok(
      (await gateway.sessions()).every(({ state }) => state === 'closed'),
      'each run ends with its command',
    );
  });

  test('C32: a model of the configuration is asked by itself, sees what its role shows, is never asked about its own answers, and a person still signs', async () => {
    const session = await ended();
    content = 'It is odd.';
    answered = 0;
    await gateway.apply(
      configuration('roles: { analyst: { groups: [reviewers] } }\nreviews: { model: { as: reviewer, target: models, model: judge, threshold: 0, every: 1s } }'),
    );
    interface Reviewed {
      readonly session: string;
      readonly principal: string;
      readonly review: unknown;
      readonly suggestion: ReviewSuggestion | null;
    }
    const list = async (): Promise<readonly Reviewed[]> => JSON.parse(await (await gateway.api('/api/v1/reviews?threshold=0&all')).text());
    // It is asked about the session of the test before, too.
    await waitUntil(() => answered === 2);
    content = JSON.stringify({ risk: 'high', summary: 'It is odd.', records: [1] });
    await waitUntil(async () => (await list()).find((each) => each.session === session)?.suggestion !== null);
    const reviewed = await list();
    const { suggestion = null } = reviewed.find((each) => each.session === session) ?? {};
    assert.deepEqual([suggestion?.model, suggestion?.risk, suggestion?.records], ['judge', 'high', [1]]);
    assert.match(asked, /gateway\.run/);
    assert.ok(reviewed.every(({ principal, review, suggestion: of }) => review === null && (principal !== 'reviewer' || of === null)));
    await gateway.whenIndexed();
    const [question] = gateway.rows(['search', `session:${suggestion?.asked} kind:prompt principal:reviewer`]);
    assert.ok(question !== undefined, 'the question is on record');
    assert.equal(gateway.rows(['search', `action:gateway.suggest_review countersign.review.session:${session}`]).length, 1, 'it is asked once');
    assert.equal(
      gateway.rows(['search', `kind:access principal:reviewer countersign.access.session:${session}`]).length,
      2,
      'once more after an answer that is none',
    );
    assert.match(gateway.command(['review', 'list', '--threshold', '0']).stdout, /judge suggests, and nobody checked it: high risk \(#1\); its words/);
    const { stdout } = gateway.command(['session', 'show', suggestion?.asked ?? '', '--full']);
    assert.match(stdout, /It is odd/);
  });

  test('a principal or a target that is not there is a fault of the configuration', () => {
    gateway.configure(configuration('reviews: { model: { as: revewer, target: models, model: judge } }'));
    assert.match(gateway.command(['config', 'check']).stderr, /reviews\.model\.as: there is no principal "revewer".*reviewer/);
  });
});
