import type { Asked, RequestKey, StreamReplay } from '../../domain/replay.ts';
import { RecordedServer } from '../../wire/recorded-server.ts';
import { actionOf } from './actions.ts';
import { nameOf } from './command-facts.ts';
import { commandsIn } from './command-reader.ts';
import { failure } from './failures.ts';

/** Recorded answers are found by the command with its arguments. */
export const replay: StreamReplay = {
  keys: () => keyOf,
  differ: (recorded, asked) => (recorded === asked ? null : { at: 'command', recorded, asked, nearness: nearnessOf(recorded, asked) }),
  connect: (recorded, asked) => new RecordedServer(recorded, { key: connectKey, asked }, { asked: askedIn, failure: (error) => failure(error, null) }),
};

const connectKey: RequestKey = { text: 'connect', ids: [] };

function askedIn(bytes: Buffer): { readonly key: RequestKey; readonly asked: Asked } {
  const [command] = commandsIn(bytes);
  const asked = { action: command === undefined ? 'redis.command' : actionOf(nameOf(command)), bytes };
  return { key: keyOf(asked) ?? connectKey, asked };
}

/** Returns the key of a request: its words. A login is one, whoever logs in. */
function keyOf({ action, bytes }: Asked): RequestKey | null {
  const [command] = commandsIn(bytes);
  return action === 'redis.connect' || command === undefined ? connectKey : { text: command.map((each) => each.toString('latin1')).join('\n'), ids: [] };
}

/** Says how much of two commands is the same from their beginning on. */
function nearnessOf(recorded: string, asked: string): number {
  const longest = Math.max(recorded.length, asked.length);
  let same = 0;
  while (same < longest && recorded[same] === asked[same]) {
    same += 1;
  }
  return longest === 0 ? 1 : same / longest;
}
