import type { Step } from '../../domain/step.ts';
import { type AskedRequest, hearText, type Said } from './heard.ts';

interface Answered {
  /** The facts of the messages before. */
  readonly said: Said;
  readonly asked: ReadonlyMap<string, AskedRequest>;
  readonly body: Uint8Array;
}

/** Does all the work that needs the whole of an answer that is one long message. */
export const step: Step<Answered, Said> = {
  module: import.meta.url,
  take: ({ said, asked, body }) => {
    hearText(said, asked, new TextDecoder().decode(body));
    return said;
  },
};
