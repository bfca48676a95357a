import type { Control } from '../../../gateway/src/controls/control.ts';
import type { Obligation } from '../../../gateway/src/domain/decision.ts';
import type { TextChange, TextStream } from '../../../gateway/src/domain/text-change.ts';

const begin = 'secret-';

const mask = (text: string): string => text.replaceAll(/secret-\w+/g, 'secret-***');

/** Replaces everything after `secret-` by stars, in every text of an answer. With the parameter `whole`, it changes no text before the text is whole. */
export class MaskControl implements Control {
  readonly kind = 'test-mask';

  change(_act: unknown, { parameters }: Obligation): TextChange {
    return parameters['whole'] === 'yes' ? (text) => mask(text) : Object.assign((text: string) => mask(text), { begin: beginMask });
  }
}

/** Keeps back the end of a text that may be the beginning of a match. */
function beginMask(): TextStream {
  let held = '';
  return {
    push: (piece) => {
      const text = held + piece;
      const at = /secret-\w*$/.exec(text)?.index ?? startOfBegin(text);
      held = text.slice(at);
      return mask(text.slice(0, at));
    },
    end: () => {
      const rest = mask(held);
      held = '';
      return rest;
    },
    isHolding: () => held !== '',
  };
}

/** Returns the position at which the end of the text may be the beginning of `secret-`. */
function startOfBegin(text: string): number {
  for (let length = Math.min(begin.length - 1, text.length); length > 0; length -= 1) {
    if (begin.startsWith(text.slice(-length))) {
      return text.length - length;
    }
  }
  return text.length;
}
