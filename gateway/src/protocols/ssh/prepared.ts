import { changeText, type TextChange } from '../../domain/text-change.ts';
import { request, strings } from './compose.ts';
import { parseMessage, readText, readVariable, type Message } from './messages.ts';

/** Returns what a client said of a channel and of what is to run there, with the texts in it changed: the command, and the values of variables. */
export function changedMessages(frames: readonly Buffer[], texts: readonly TextChange[]): readonly Buffer[] {
  return frames.map((frame) => {
    const message = parseMessage(frame);
    const said = textsIn(message);
    if (message.kind !== 'request' || said === null) {
      return frame;
    }
    const changed = said.map(({ text, name }) => (name === null ? text : changeText(texts, text, [`=${name}`])));
    return request(message.channel, message.type, { wantsReply: message.wantsReply, body: strings(...changed) });
  });
}

/** Returns the bytes by which it is known again when it is asked for in another channel: all of it without the numbers of channels. */
export function knownBytes(frames: readonly Buffer[]): readonly Buffer[] {
  return frames.map((frame) => {
    const message = parseMessage(frame);
    return 'body' in message ? strings(message.kind, message.type, message.body) : 'bytes' in message ? strings(message.kind, message.bytes) : frame;
  });
}

/** The texts of a message in their order. A text without a name is none that policy could change. */
function textsIn(message: Message): readonly { readonly text: string; readonly name: string | null }[] | null {
  if (message.kind !== 'request') {
    return null;
  }
  if (message.type === 'exec') {
    return [{ text: readText(message.body), name: 'command' }];
  }
  if (message.type === 'env') {
    const [name, value] = readVariable(message.body);
    return [
      { text: name, name: null },
      { text: value, name },
    ];
  }
  return null;
}
