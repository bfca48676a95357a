import type { Act, Control, Objection } from '../../../gateway/src/controls/control.ts';
import type { TextChange } from '../../../gateway/src/domain/text-change.ts';

/** Replaces everything after `secret-` by stars, in every text of a request. Denies a request that has it elsewhere: in its address or a header. */
export class MaskRequestControl implements Control {
  readonly kind = 'test-mask-request';

  admit({ bytes }: Act): Objection {
    const [head = ''] = Buffer.concat(bytes).toString().split('\r\n\r\n', 1);
    return /secret-\w/.test(decoded(head)) ? 'a secret stands where it cannot be masked' : null;
  }

  changeRequest(): TextChange {
    return (text) => text.replaceAll(/secret-\w+/g, 'secret-***');
  }
}

/** Undoes the encoding of single characters in an address. */
function decoded(head: string): string {
  return head.replaceAll(/%([0-7][\da-f])/gi, (_found, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
