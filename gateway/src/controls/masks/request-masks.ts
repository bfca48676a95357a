import { findIn } from '../../classes/text-scan.ts';
import type { Obligation } from '../../domain/decision.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { Act, Control, Objection } from '../control.ts';
import { maskChange, MaskRules, type MaskParts } from './mask-change.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { classesInHead, headOf } from './readable-head.ts';

/**
 * Carries out `mask_request`: values of the classes that policy names do not reach the target, and are in no record. Stand-ins are put back in the answer. A
 * value in the address, a header or a trailer of a request cannot be masked there, so the request is denied.
 */
export class RequestMasks implements Control {
  readonly kind = 'mask_request';
  readonly #parts: MaskParts;
  readonly #rules = new MaskRules();
  readonly #pseudonyms = new Pseudonyms();

  constructor(parts: MaskParts) {
    this.#parts = parts;
  }

  admit({ action, bytes, isPart }: Act, obligation: Obligation): Objection {
    const classes = this.#parts.classSet(this.#rules.of(obligation).classes);
    const trailers = action.attributes[ownAttributes.httpTrailers];
    const head = isPart ? null : headOf(bytes);
    const [found] = head !== null ? classesInHead(head, classes) : Array.isArray(trailers) ? findIn(trailers.join('\n'), classes).map(({ name }) => name) : [];
    if (found === undefined) {
      return null;
    }
    const objection = `the address, a header or a trailer of the request holds a value of the class ${found}, which policy masks and which cannot be masked there`;
    return { objection, keepsFactsAlone: true };
  }

  changeRequest({ asker: { session }, target }: Act, obligation: Obligation): TextChange {
    return maskChange(this.#rules.of(obligation), target.name, {
      ...this.#parts,
      onStandIn: (standIn, value) => {
        this.#pseudonyms.remember(session ?? '', standIn, value);
      },
    });
  }

  change({ asker: { session } }: Act, obligation: Obligation): TextChange | undefined {
    const classes = [...this.#rules.of(obligation).methods].flatMap(([name, method]) => (method === 'pseudonym' ? [name] : []));
    return classes.length === 0 ? undefined : this.#pseudonyms.restoring(session ?? '', classes);
  }
}
