import type { Control } from '../../../gateway/src/controls/control.ts';
import type { TextChange } from '../../../gateway/src/domain/text-change.ts';

/** Replaces everything after `secret-` by stars, in every text of a request. */
export class MaskRequestControl implements Control {
  readonly kind = 'test-mask-request';

  changeRequest(): TextChange {
    return (text) => text.replaceAll(/secret-\w+/g, 'secret-***');
  }
}
