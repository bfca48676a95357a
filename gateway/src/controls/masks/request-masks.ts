import { findIn } from '../../classes/text-scan.ts';
import type { Obligation } from '../../domain/decision.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { Act, Control, Objection } from '../control.ts';
import { maskChange, MaskRules, type MaskParts } from './mask-change.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { cookiesOf, readableHead } from './readable-head.ts';

/** Classes of values by which a client proves who it is. In a cookie that is what they are for. */
const credentialClasses: ReadonlySet<string> = new Set(['jwt', 'secret-token', 'private-key', 'url-credentials']);

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
    const trailers = action.attributes[ownAttributes.httpTrailers];
    const head = !isPart ? (readableHead(bytes) ?? '') : Array.isArray(trailers) ? trailers.join('\n') : '';
    const cookies = isPart ? '' : cookiesOf(bytes);
    const classes = head === '' ? null : this.#parts.classSet(this.#rules.of(obligation).classes);
    const inCookies = classes === null || cookies === '' ? [] : findIn(cookies, classes).filter(({ name }) => !credentialClasses.has(name));
    const [found] = classes === null ? [] : [...findIn(head, classes), ...inCookies];
    if (found === undefined) {
      return null;
    }
    const objection = `the address, a header or a trailer of the request holds a value of the class ${found.name}, which policy masks and which cannot be masked there`;
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
