import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../../../domain/errors.ts';
import { ownAttributes } from '../../../domain/own-attributes.ts';
import { plainRendering, type Rendering } from '../../../domain/record.ts';
import { FrameReader } from '../messages.ts';
import { parseOperation } from './operations.ts';
import { codeName, packetBytesMax, parseAnswer, typeOf, types } from './packets.ts';

/** Most bytes of a character in UTF-8 that stand in another packet. */
const strayBytesMax = 3;

/** Makes the packets of operations and of their answers readable. Null: the bytes are no packets of SFTP. */
export function renderSftp(bytes: Buffer, kind: string): Rendering | null {
  const said: Said[] = [];
  try {
    const reader = new FrameReader(packetBytesMax);
    reader.push(bytes);
    for (let packet = reader.next(); packet !== null; packet = reader.next()) {
      said.push(kind === 'request' ? operationWords(packet) : answerWords(packet));
    }
  } catch (error) {
    if (error instanceof GatewayError) {
      return null;
    }
    throw error;
  }
  const isWhole = said.every((each) => each.isWhole);
  return plainRendering(said.map(({ text }) => text).join('\n'), isWhole ? {} : { [ownAttributes.isWhole]: false });
}

interface Said {
  readonly text: string;
  readonly isWhole: boolean;
}

function operationWords(packet: Buffer): Said {
  if (typeOf(packet) === types.init) {
    return whole('begin');
  }
  const { name, path, otherPath, handle, reads, writes, strange } = parseOperation(packet);
  const verb = name.slice('ssh.sftp.'.length);
  const about = [path, otherPath].flatMap((each) => (each === undefined ? [] : [each.toString()]));
  const opened = handle === undefined ? [] : [`handle ${handle}`];
  const moved = reads === undefined ? writes : { offset: reads.offset, length: reads.length };
  const range = moved === undefined ? [] : [`${'bytes' in moved ? moved.bytes.length : moved.length} bytes at ${moved.offset}`];
  const head = [verb, ...(strange === undefined ? [] : [strange]), ...about, ...opened, ...range].join(' ');
  return writes === undefined ? whole(head) : after(head, writes.bytes);
}

function answerWords(packet: Buffer): Said {
  if (typeOf(packet) === types.version) {
    return whole('begun');
  }
  const answer = parseAnswer(packet);
  switch (answer.kind) {
    case 'status':
      return whole(answer.words === '' ? codeName(answer.code) : `${codeName(answer.code)}: ${answer.words}`);
    case 'handle':
      return whole(`handle ${answer.handle}`);
    case 'data':
      return after(`${answer.bytes.length} bytes`, answer.bytes);
    case 'name':
      return whole(answer.names.map(({ name, line }) => (line.length === 0 ? name : line).toString()).join('\n'));
    case 'attrs':
      return whole('attributes');
    case 'extendedReply':
      return whole(`${answer.body.length} bytes`);
    default:
      return answer satisfies never;
  }
}

function whole(text: string): Said {
  return { text, isWhole: true };
}

/** Returns words with the text of a file behind them. Bytes that are no text are left out, and so is a character of which a part stands in another packet. */
function after(head: string, bytes: Buffer): Said {
  for (let stray = 0; stray <= strayBytesMax; stray += 1) {
    for (let before = 0; before <= stray; before += 1) {
      const text = bytes.subarray(before, bytes.length - (stray - before));
      if (isUtf8(text)) {
        return { text: `${head}\n${text.toString()}`, isWhole: stray === 0 };
      }
    }
  }
  return { text: head, isWhole: false };
}
