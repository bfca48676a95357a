import { strict as assert } from 'node:assert';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Gateway } from '@countersign/gateway/gateway';
import { ApiClient } from '../api-client.ts';
import { openServer, type SampleServer } from './sample-server.ts';
import { say, typeCommand } from './typed-commands.ts';

/** So long ago the errand was recorded. Its contents are kept for a day, so their day has passed, and the day of grace after it. */
const agoMs = 3 * 86_400_000;
/** The content that is gone afterwards. */
const order = { customer: 'Ada Byron', orders: 'one difference engine, to try' };

/**
 * Shows how a record ends, in a store of its own: contents of three days ago are deleted as a rule says, and the facts, and the proof of all of it, stay. `number`
 * is that of the step. Rejects if one of the commands fails.
 */
export async function showExpiry(directory: string, number: number): Promise<void> {
  await using playground = await openPlayground();
  const config = writeConfiguration(directory, playground.url);
  const store = join(directory, 'playground', 'store');
  say(
    `${number}. How a record ends. Contents may be personal, and are kept for as long as a rule says. This gateway has one: target:playground keep: 1d. An errand to that target was recorded three days ago (by this gateway, for whose start the demo set its clock back by three days). Today the content is still there:`,
  );
  // As the gateway of the other steps, it says no more than what needs somebody.
  const { Gateway } = await import('@countersign/gateway/gateway');
  const session = await recordLongAgo(config, async () => Gateway.open({ logLevel: 'warn', configFile: config, clock: () => Date.now() - agoMs }));
  cpSync(join(store, 'log', 'key'), join(directory, 'playground', 'key'));
  await using _gateway = await Gateway.open({ logLevel: 'warn', configFile: config });
  const show = { words: ['session', 'show', session, '--brief', '--config', config], shown: `session show ${session} --brief` };
  await typeCommand(show);
  say(
    'Its day is over. The gateway deletes once a day, and now, because somebody asks: first it records and signs which key it will destroy and why, then it does.',
  );
  await typeCommand({ words: ['retention', 'run', '--config', config], shown: 'retention run' });
  say(
    'The content is gone for everybody, whoever has the store and all its keys. The facts are kept for longer: who did what, where, when, and by which permission.',
  );
  await typeCommand(show);
  say(
    'And the proof holds without it: nothing was changed, all that is gone is gone by a rule and not before its day, and nothing is kept that should be gone.',
  );
  const words = ['verify', '--retention', '--data', store, '--key', join(directory, 'playground', 'key')];
  await typeCommand({ words, shown: 'verify --retention --data playground/store --key playground/key' });
}

async function openPlayground(): Promise<SampleServer> {
  return openServer(async (request, response) => {
    await json(request);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ noted: order }));
  });
}

function writeConfiguration(directory: string, url: string): string {
  mkdirSync(join(directory, 'playground'));
  const config = join(directory, 'playground', 'countersign.yaml');
  writeFileSync(
    config,
    `data: ./store
listen: { http: 127.0.0.1:0 }
retention:
  default: { keep: 400d, facts: 7y }
  rules:
    - { query: 'target:playground', keep: 1d }
targets:
  playground: { url: "${url}" }
principals:
  trial-bot: { kind: agent, targets: [playground] }
`,
  );
  return config;
}

/** Runs the errand through a gateway that believes that it is three days ago. Returns the session. */
async function recordLongAgo(config: string, open: () => Promise<Gateway>): Promise<string> {
  await using gateway = await open();
  const api = await ApiClient.open({ config });
  const { token } = await api.json<{ readonly token: string }>('POST', '/api/v1/tokens', { principal: 'trial-bot' });
  const answer = await fetch(`http://${gateway.addresses['http']}/t/playground/orders`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  await answer.text();
  const session = answer.headers.get('countersign-session');
  assert(answer.ok && session !== null, `the playground was not reached: ${answer.status}`);
  return session;
}
