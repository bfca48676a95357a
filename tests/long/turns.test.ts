import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { countTurns, ours, turnsOf, type Turns } from '../support/counted-turns.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { mainFile } from '../support/main-file.ts';

// Functions are counted from before they are loaded.
const { Gateway } = await import('../../gateway/src/gateway.ts');
const { partBytesMax } = await import('../../gateway/src/recording/batch.ts');
const { openRecorder } = await import('../../gateway/src/recording/testdata/open-recorder.ts');

/** Files that only the reader thread may run. */
const readingAlone = /\/(?:feed\/(?:follower|recordings|timeline|session-index)|recording\/(?:session-reader|journal-reader)|[a-z]+\/render)\.ts$/;
/** Number of records that are written in one turn. */
const burst = 3000;
/** Messages of one request to a model, which are read as one. */
const messages = 20_000;
/**
 * The most calls of our functions in a few turns, one after the other, of the thread that serves clients: those for the requests of a client in them, and for pieces of an answer.
 * One turn in which all of a session is read has more.
 */
const callsMax = 5000;
const turnsTogether = 5;
/** Between two counts, and between two requests, the processor is left to the command. What is done meanwhile is counted too. */
const pauseMs = 60;

interface Busiest extends Pick<Turns, 'calls' | 'where'> {
  /** The functions that were called in any turn, and are the reader thread's alone. */
  readonly reading: readonly string[];
}

/** The turns of the event loop, `turnsTogether` at a time, in which most is done until `act` is over. */
async function busiestTurn(act: () => Promise<void>): Promise<Busiest> {
  let busiest: Turns | null = null;
  const reading = new Set<string>();
  await countTurns(act, { turnsTogether, pauseMs }, (taken) => {
    for (const [name, count] of turnsOf(taken, readingAlone).counts) {
      if (count > 0) {
        reading.add(name);
      }
    }
    const turns = turnsOf(taken, ours);
    busiest = turns.calls > (busiest?.calls ?? 0) ? turns : busiest;
  });
  return { ...(busiest ?? { calls: 0, where: '' }), reading: [...reading] };
}

describe('what a reader costs the thread of a gateway that serves others', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-turns-'));
  const data = join(directory, 'store');
  const configFile = join(directory, 'countersign.yaml');
  let target: SampleServer;
  let gateway: Awaited<ReturnType<typeof Gateway.open>>;
  let token = '';
  let [long, large, record] = ['', '', ''];

  const cli = async (words: readonly string[]): Promise<RunResult> => runProgram(process.execPath, [mainFile, ...words], {});
  const here = ['--config', configFile];
  const base = (): string => `http://${gateway.addresses['http']}`;
  const request = async (): Promise<void> => {
    const answer = await fetch(`${base()}/t/api/x`, { method: 'POST', body: 'hello', headers: { authorization: `Bearer ${token}` } });
    assert.equal(await answer.text(), 'hello');
  };

  before(async () => {
    target = await openServer(async (asked, answer) => {
      answer.end(await text(asked));
    });
    mkdirSync(data);
    const { recorder, keys } = await openRecorder(data);
    const track = recorder.openSession();
    const opens = { principal: 'me', groups: [], target: 'api', protocol: 'http', clientAddress: '' };
    recorder.append(track, { kind: 'decision', meta: JSON.stringify({ channel: 0, action: 'http.connect', verdict: 'allow', opens }), content: [] });
    for (let i = 0; i < burst; i++) {
      const meta = JSON.stringify({ channel: 0, action: 'http.request', attributes: {} });
      recorder.append(track, { kind: 'request', meta, content: [Buffer.from(`POST /${i} HTTP/1.1\r\n\r\n${randomBytes(100).toString('hex')}`)] });
    }
    recorder.closeSession(track, 'client');
    const asked = recorder.openSession();
    const model = { ...opens, target: 'model', protocol: 'llm' };
    recorder.append(asked, { kind: 'decision', meta: JSON.stringify({ channel: 0, action: 'llm.connect', verdict: 'allow', opens: model }), content: [] });
    const body = JSON.stringify({ model: 'm', messages: Array.from({ length: messages }, (_, i) => ({ role: 'user', content: `say ${i}` })) });
    const head = `POST /v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const bytes = Buffer.from(head + body);
    for (let at = 0, first: number | undefined; at < bytes.length; at += partBytesMax) {
      const content = [bytes.subarray(at, at + partBytesMax)];
      const meta = JSON.stringify({ channel: 0, action: 'llm.chat', verdict: 'allow', ...(first === undefined ? {} : { request: first }) });
      const seq = recorder.append(asked, { kind: 'request', meta, content, continues: at + partBytesMax < bytes.length });
      first ??= seq;
    }
    recorder.closeSession(asked, 'client');
    for (let i = 0; i < 300; i++) {
      recorder.closeSession(recorder.openSession(), 'client');
    }
    await recorder[Symbol.asyncDispose]();
    keys[Symbol.dispose]();
    [long, large] = [track.id, asked.id];
    writeFileSync(
      configFile,
      `data: ${data}\nlisten: { http: 127.0.0.1:0 }\ntargets: { api: { url: "${target.url}", durability: process } }\nprincipals: { agent: { kind: agent, targets: [api] } }\n`,
    );
    gateway = await Gateway.open({ logLevel: 'silent', configFile });
    const made = await cli(['token', 'create', 'agent', ...here]);
    assert.equal(made.status, 0, made.stderr);
    token = made.stdout.trim();
    await request();
    const { stdout } = await cli(['session', 'show', long, '--json', '--grep', `POST /${burst / 2}`, ...here]);
    record = JSON.parse(stdout).record;
  });
  after(async () => {
    await gateway.stop();
    await target[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const commands: Readonly<Record<string, () => readonly string[]>> = {
    'session list': () => ['session', 'list', '--all', ...here],
    'session show': () => ['session', 'show', long, ...here],
    'session show of a large message': () => ['session', 'show', large, ...here],
    'session show --grep': () => ['session', 'show', long, '--grep', 'POST /17', ...here],
    'session show --bytes': () => ['session', 'show', long, '--record', String(burst), '--bytes', '0-', ...here],
    'session replay': () => ['session', 'replay', long, '--no-wait', ...here],
    'session replay --serve': () => ['session', 'replay', long, '--serve', ...here, '--', 'true'],
    'session diff': () => ['session', 'diff', long, long, ...here],
    'session export': () => ['session', 'export', long, '--out', join(directory, 'x.bundle'), ...here],
    'session watch': () => ['session', 'watch', long, ...here],
    receipt: () => ['receipt', record, ...here],
    'index rebuild': () => ['index', 'rebuild', ...here],
    verify: () => ['verify', '--data', data],
  };
  for (const [name, words] of Object.entries(commands)) {
    test(`T4.45: ${name} is done in another thread, and a client's requests go on meanwhile`, async () => {
      let isOver = false;
      const { calls, where, reading } = await busiestTurn(async () => {
        const run = cli(words()).finally(() => {
          isOver = true;
        });
        while (!isOver) {
          await request();
          await delay(pauseMs);
        }
        const { status, stderr } = await run;
        assert.equal(status, 0, stderr);
      });
      assert.deepEqual(reading, []);
      assert.ok(calls <= callsMax, `${calls} calls in ${turnsTogether} turns: ${where}`);
    });
  }
});
