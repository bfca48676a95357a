import type { Obligation } from '../../domain/decision.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { Act, Control } from '../control.ts';
import { maskChange, MaskRules, type MaskParts } from './mask-change.ts';

/** Carries out `mask`: values of the classes that policy names do not reach the client, and are in no record. */
export class Masks implements Control {
  readonly kind = 'mask';
  readonly #parts: MaskParts;
  readonly #rules = new MaskRules();

  constructor(parts: MaskParts) {
    this.#parts = parts;
  }

  change({ target }: Act, obligation: Obligation): TextChange {
    return maskChange(this.#rules.of(obligation), target.name, this.#parts);
  }
}
