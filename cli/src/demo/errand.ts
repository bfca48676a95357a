import { strict as assert } from 'node:assert';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../api-client.ts';
import { commandName, sampleAgent } from '../installation.ts';
import { spawnAgent } from './agent.ts';
import { ShownOutput } from './shown-output.ts';
import { exitOf, interruption, say, showCommand, typeCommand } from './typed-commands.ts';

/** The time that somebody who watches has to approve the statement. */
const personMs = 20_000;
const tokenMs = 3_600_000;
/** The exit code of the agent when it was halted. */
const halted = 1;

/** The gateway of the demo, and who is there. */
export interface Place {
  readonly directory: string;
  readonly config: string;
  /** True if somebody is at the terminal, who can approve the statement. False: the demo does it at once. */
  readonly isAttended: boolean;
}

export interface Errand {
  readonly session: string;
  /** All that the agent printed. */
  readonly said: string;
}

/**
 * Runs the sample agent through the gateway. A person approves the statement that is held, and the operator halts the agent while the model answers. Rejects if
 * it does not come to that.
 */
export async function runErrand(place: Place): Promise<Errand> {
  const { config } = place;
  showCommand(`run --as support-bot -- node ${sampleAgent.path}`);
  const child = spawnAgent(['run', '--config', config, '--as', 'support-bot'], 'pipe');
  const output = new ShownOutput(outputOf(child));
  const approval = await found(output, /approval grant (ap_\w+)/);
  await approve(approval, output, place);
  await found(output, /(relay-3)/);
  const session = await found(output, /\(session (\w+)\)/);
  await output.holdBackFor(async () => halt(session, config));
  await output.ended;
  await expectHalted(child);
  return { session, said: output.text };
}

/** Runs the sample agent with the recording in the place of all targets. Resolves with all that it printed. */
export async function repeatErrand(session: string, config: string): Promise<string> {
  showCommand(`session replay ${session} --serve -- node ${sampleAgent.path}`);
  const child = spawnAgent(['session', 'replay', session, '--config', config, '--serve'], 'pipe');
  const said = await text(outputOf(child));
  await expectHalted(child);
  return said;
}

/**
 * True if the agent said the same again. Its last line but one, the answer that the halt cut off, may be longer the second time: the record also has what was
 * recorded of it and not yet released to the agent.
 */
export function isRepeated(said: string, again: string): boolean {
  const [before, after] = [said.trimEnd().split('\n'), again.trimEnd().split('\n')];
  const isSame = (line: string, i: number): boolean => (i === before.length - 2 ? after[i]?.startsWith(line) === true : after[i] === line);
  return before.length === after.length && before.every(isSame);
}

/** Lets ann approve what is held: the person at the terminal in the name of ann, or the demo if nobody is there or does it. */
async function approve(approval: string, output: ShownOutput, { directory, config, isAttended }: Place): Promise<void> {
  const api = await ApiClient.open({ config });
  const { token } = await api.json<{ readonly token: string }>('POST', '/api/v1/tokens', { principal: 'ann', ttlMs: tokenMs });
  if (isAttended) {
    const file = join(directory, 'ann.token');
    writeFileSync(file, token, { mode: 0o600 });
    say(`It waits for somebody of the group dba. Be ann, and approve it in another terminal; otherwise it happens by itself in ${personMs / 1000} s.`);
    console.log(`  COUNTERSIGN_TOKEN=$(cat ${file}) ${commandName} approval grant ${approval} --config ${config}\n`);
    const goesOn = output.find(/approval grant ap_.*\n([^])/);
    if ((await Promise.race([goesOn, delay(personMs, null, { signal: interruption.signal })])) !== null) {
      return;
    }
  }
  await output.holdBackFor(async () => {
    say('In another terminal, ann of the group dba looks at what waits, and approves exactly this.');
    const as = { prompt: 'ann$', environment: { COUNTERSIGN_TOKEN: token } };
    const note = 'the parcel service says so';
    await typeCommand({ words: ['approval', 'list', '--config', config], shown: 'approval list', ...as });
    const words = ['approval', 'grant', approval, '--note', note, '--config', config];
    await typeCommand({ words, shown: `approval grant ${approval} --note "${note}"`, ...as });
  });
}

async function halt(session: string, config: string): Promise<void> {
  say('The operator has seen enough, and halts it in the middle of the answer.');
  const reason = 'it looks for a way around a limit';
  const words = ['session', 'halt', session, '--reason', reason, '--config', config];
  await typeCommand({ words, shown: `session halt ${session} --reason "${reason}"`, prompt: 'operator$' });
}

function outputOf({ stdout }: ChildProcess): NonNullable<ChildProcess['stdout']> {
  assert(stdout !== null);
  return stdout;
}

async function found(output: ShownOutput, pattern: RegExp): Promise<string> {
  const part = await output.find(pattern);
  interruption.signal.throwIfAborted();
  if (part === null) {
    throw new Error(`the agent ended too early: ${String(pattern)} is in nothing that it said`);
  }
  return part;
}

async function expectHalted(child: ChildProcess): Promise<void> {
  const code = await exitOf(child);
  interruption.signal.throwIfAborted();
  if (code !== halted) {
    throw new Error(`the agent should have been halted, and ended with exit code ${code}`);
  }
}
