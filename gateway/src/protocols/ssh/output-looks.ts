import { StringDecoder } from 'node:string_decoder';
import { beginText, type TextChange, type TextStream } from '../../domain/text-change.ts';
import { messageBytesMax, type Message } from './messages.ts';

/** Shows what runs at a target prints to those who look for values of data classes in it. Nothing is changed. */
export class OutputLooks {
  readonly #streams: Readonly<Record<'data' | 'errorData', { readonly text: TextStream; readonly decoder: StringDecoder }>>;

  constructor(looks: readonly TextChange[]) {
    const begin = (): { readonly text: TextStream; readonly decoder: StringDecoder } => ({
      text: beginText(looks, messageBytesMax),
      decoder: new StringDecoder('utf8'),
    });
    this.#streams = { data: begin(), errorData: begin() };
  }

  take(message: Message): void {
    if (message.kind === 'data' || message.kind === 'errorData') {
      const { text, decoder } = this.#streams[message.kind];
      text.push(decoder.write(message.bytes));
    } else if (message.kind === 'close') {
      for (const { text, decoder } of Object.values(this.#streams)) {
        text.push(decoder.end());
        text.end();
      }
    }
  }
}
