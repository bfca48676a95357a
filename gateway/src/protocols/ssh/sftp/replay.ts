import { hash } from 'node:crypto';
import { GatewayError } from '../../../domain/errors.ts';
import type { Asked, RecordedTarget, RequestKey } from '../../../domain/replay.ts';
import { data } from '../compose.ts';
import { sentence } from '../failures.ts';
import { readMessages } from '../messages.ts';
import { parseOperation } from './operations.ts';
import { codes, homeId, onlyName, status, typeOf, types, withId, withoutId } from './packets.ts';
import { renderSftp } from './render.ts';

const initKey: RequestKey = { text: 'sftp begin', ids: [] };

/** Returns the key of an operation: all of its packet but the id. Null: the bytes are none. */
export function keyOfOperation(bytes: Buffer): RequestKey | null {
  const [packet] = packetsIn(bytes);
  if (packet === undefined) {
    return null;
  }
  const words = renderSftp(packet, 'request')?.text.split('\n', 1)[0] ?? '';
  return typeOf(packet) === types.init ? initKey : { text: `sftp ${words} ${hash('sha256', withoutId(packet))}`, ids: [] };
}

/** Takes the next recorded operation like the one in these messages, and yields the messages of its answer, with the id that it has now. What is not recorded is answered with a failure. */
export async function* recordedAnswer(recorded: RecordedTarget, channel: number, bytes: Buffer): AsyncGenerator<Buffer, void> {
  const [packet] = packetsIn(bytes);
  const key = keyOfOperation(bytes);
  if (packet === undefined || key === null) {
    return;
  }
  const isInit = key === initKey;
  const operation = isInit ? null : parseOperation(packet);
  const id = operation?.id ?? homeId;
  try {
    const asked: Asked = { action: operation?.name ?? 'ssh.sftp.init', bytes };
    let home: unknown = null;
    for await (const { content, attributes } of recorded.take(key, asked).answer()) {
      home ??= attributes['file.path'] ?? null;
      for (const answer of packetsIn(content)) {
        yield data(channel, isInit ? answer : withId(answer, id));
      }
    }
    if (isInit) {
      yield data(channel, typeof home === 'string' ? onlyName(id, home) : status(id, codes.failure, ''));
    }
  } catch (error) {
    const known = error instanceof GatewayError ? error : new GatewayError('store_damaged', 'The recording cannot be read any more.', { cause: error });
    yield data(channel, status(id, codes.failure, sentence(known, null)));
  }
}

/** Returns the packets in these messages: each has one of its own. */
function packetsIn(bytes: Buffer): readonly Buffer[] {
  return readMessages([bytes]).flatMap((message) => (message.kind === 'data' ? [message.bytes] : []));
}
