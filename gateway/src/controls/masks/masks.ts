import type { KeyObject } from 'node:crypto';
import type { Obligation } from '../../domain/decision.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { methodsOf, type ClassMethods } from '../../policy/mask-text.ts';
import type { Act, Control } from '../control.ts';
import { maskChange } from './mask-change.ts';

/** Carries out `mask`: values of the classes that policy names do not reach the client, and are in no record. */
export class Masks implements Control {
  readonly kind = 'mask';
  readonly #key: KeyObject;
  /** The methods of obligations that were read before: a policy gives each request the same objects. */
  readonly #read = new WeakMap<Obligation, ClassMethods>();

  /** `key` makes the digests of values: the same value has the same one as long as the key is the same. */
  constructor(key: KeyObject) {
    this.#key = key;
  }

  change(_act: Act, obligation: Obligation): TextChange {
    const known = this.#read.get(obligation) ?? methodsOf(obligation);
    this.#read.set(obligation, known);
    return maskChange(known, this.#key);
  }
}
