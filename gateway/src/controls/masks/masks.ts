import type { Obligation } from '../../domain/decision.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { Act, Control } from '../control.ts';
import { maskChange, ruleOf, type MaskParts, type MaskRule } from './mask-change.ts';

/** Carries out `mask`: values of the classes that policy names do not reach the client, and are in no record. */
export class Masks implements Control {
  readonly kind = 'mask';
  readonly #parts: MaskParts;
  /** Obligations that were read before: a policy gives each request the same objects. */
  readonly #read = new WeakMap<Obligation, MaskRule>();

  constructor(parts: MaskParts) {
    this.#parts = parts;
  }

  change({ target }: Act, obligation: Obligation): TextChange {
    const known = this.#read.get(obligation) ?? ruleOf(obligation);
    this.#read.set(obligation, known);
    return maskChange(known, target.name, this.#parts);
  }
}
