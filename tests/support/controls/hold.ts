import type { Act, Control, Objection } from '../../../gateway/src/controls/control.ts';

export interface HeldAct {
  readonly said: string;
  readonly withdrawn: AbortSignal;
  settle(objection: Objection): void;
}

/** Holds each act whose text contains `held-words`, until the test settles it. */
export class HoldControl implements Control {
  readonly kind = 'test-hold';
  readonly waiting: HeldAct[] = [];

  admit({ bytes }: Act, _obligation: unknown, leaving: () => AbortSignal): Objection | Promise<Objection> {
    const said = Buffer.concat(bytes).toString();
    if (!said.includes('held-words')) {
      return null;
    }
    const withdrawn = leaving();
    return new Promise((settle) => {
      this.waiting.push({ said, withdrawn, settle });
    });
  }
}
