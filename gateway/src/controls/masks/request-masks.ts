import { findIn } from '../../classes/text-scan.ts';
import type { Obligation } from '../../domain/decision.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { TextChange } from '../../domain/text-change.ts';
import { methodsOf } from '../../policy/mask-text.ts';
import type { Act, Control, Objection } from '../control.ts';
import { maskChange, type MaskParts } from './mask-change.ts';
import { Pseudonyms } from './pseudonyms.ts';

const headBytesMax = 64 * 1024;
const requestLine = /^[A-Z]{1,16} \S+ HTTP\/1\.[01]\r\n/;
/** The name of the target, which is the gateway's own text, and headers by which a client proves who it is: they are not for people to read, and many look like a value of a class. */
const unread = /^(?:host|authorization|proxy-authorization|cookie|x-api-key|api-key|x-goog-api-key|x-amz-(?!meta-)[\w-]+)$/;

/**
 * Carries out `mask_request`: values of the classes that policy names do not reach the target, and are in no record. Stand-ins are put back in the answer. A
 * value in the address, a header or a trailer of a request cannot be masked there, so the request is denied.
 */
export class RequestMasks implements Control {
  readonly kind = 'mask_request';
  readonly #parts: MaskParts;
  readonly #pseudonyms = new Pseudonyms();

  constructor(parts: MaskParts) {
    this.#parts = parts;
  }

  admit({ action, bytes, isPart }: Act, obligation: Obligation): Objection {
    const trailers = action.attributes[ownAttributes.httpTrailers];
    const head = !isPart ? headOf(bytes) : Array.isArray(trailers) ? trailers.join('\n') : '';
    const [found] = head === '' ? [] : findIn(head, this.#parts.classSet([...methodsOf(obligation).keys()]));
    if (found === undefined) {
      return null;
    }
    const objection = `the address, a header or a trailer of the request holds a value of the class ${found.name}, which policy masks and which cannot be masked there`;
    return { objection, keepsFactsAlone: true };
  }

  changeRequest({ asker: { session }, target }: Act, obligation: Obligation): TextChange {
    return maskChange(methodsOf(obligation), target.name, {
      ...this.#parts,
      onStandIn: (standIn, value) => {
        this.#pseudonyms.remember(session ?? '', standIn, value);
      },
    });
  }

  change({ asker: { session } }: Act, obligation: Obligation): TextChange | undefined {
    const classes = [...methodsOf(obligation)].flatMap(([name, method]) => (method === 'pseudonym' ? [name] : []));
    return classes.length === 0 ? undefined : this.#pseudonyms.restoring(session ?? '', classes);
  }
}

/** Returns the head of a request over HTTP as a person would read it, without the host and the credentials of the client; empty if it is none. */
function headOf(bytes: readonly Uint8Array[]): string {
  const begun = Buffer.concat(bytes.slice(0, 2)).toString('latin1', 0, headBytesMax);
  if (!requestLine.test(begun)) {
    return '';
  }
  const [asked = '', ...lines] = begun.slice(0, Math.max(0, begun.indexOf('\r\n\r\n'))).split('\r\n');
  // Names and values of an address are read as the target reads them.
  const read = asked.replaceAll(/%([\da-f]{2})|\+/gi, (_found, code?: string) => (code === undefined ? ' ' : String.fromCharCode(Number.parseInt(code, 16))));
  return [asked, read, ...lines.filter((line) => !unread.test(line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase()))].join('\n');
}
