import type { Asked, RequestKey, StreamReplay } from '../../domain/replay.ts';
import { RecordedServer } from '../../wire/recorded-server.ts';
import { can, capabilities } from './capabilities.ts';
import { commands, kindOf } from './commands.ts';
import { failure } from './failures.ts';
import { packetsOf } from './packets.ts';
import { payloadIn } from './recorded.ts';

const idBytes = 4;

/** Recorded answers are found by the command with all that it says. The target gives a statement another number in each connection. */
export const replay: StreamReplay = {
  keys: () => keyOf,
  differ: (recorded, asked) => (recorded === asked ? null : { at: 'command', recorded, asked, nearness: nearnessOf(recorded, asked) }),
  connect: (recorded, asked) =>
    new RecordedServer(recorded, { key: connectKey(asked), asked }, { asked: askedIn, failure: (error) => packetsOf(failure(error, null), 1) }),
};

/** The form of answers depends on what the client can do. */
function connectKey({ bytes }: Asked): RequestKey {
  const login = payloadIn(bytes);
  const flags = login !== null && login.length >= 4 ? login.readUInt32LE(0) : 0;
  return { text: can(flags, capabilities.deprecateEof) ? 'connect without EOF' : 'connect', ids: [] };
}

function keyOf(asked: Asked): RequestKey | null {
  if (asked.action === 'mysql.connect') {
    return connectKey(asked);
  }
  const payload = payloadIn(asked.bytes);
  const [command] = payload ?? [];
  if (payload === null || command === undefined) {
    return null;
  }
  const kind = kindOf(command);
  const hasId = !('refused' in kind) && command >= commands.execute && command !== commands.setOption && command !== commands.resetConnection;
  return hasId
    ? { text: `${command} ${payload.toString('latin1', 1 + idBytes)}`, ids: [payload.toString('hex', 1, 1 + idBytes)] }
    : { text: `${command} ${payload.toString('latin1', 1)}`, ids: [] };
}

function askedIn(bytes: Buffer): { readonly key: RequestKey; readonly asked: Asked } | null {
  const kind = kindOf(payloadIn(bytes)?.[0] ?? 0);
  const asked = { action: 'refused' in kind ? 'mysql.command' : kind.action, bytes };
  const key = keyOf(asked);
  return key === null ? null : { key, asked };
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
