import { codingOf } from '../../content/codings.ts';
import { Framer, wholeBody } from '../../content/framer.ts';
import { SseEvents } from '../../content/sse.ts';
import { joinedHeaderOf, type ResponseHead } from '../../exchange/reading.ts';

/** The form of an answer. `encoded`: its content coding could not be undone. */
export type Form = 'events' | 'json' | 'other' | 'encoded';

/** Finds the form of an answer by its head. Like common clients, it takes more for an event stream than the standard says. */
export function formOf({ headers }: ResponseHead): Form {
  const type = joinedHeaderOf(headers, 'content-type').toLowerCase();
  if (codingOf(joinedHeaderOf(headers, 'content-encoding')) !== '') {
    return 'encoded';
  }
  return type.includes('text/event-stream') ? 'events' : type.includes('json') ? 'json' : 'other';
}

/** Cuts an event stream into events. Any other answer is one frame, and of an encoded one nothing is held, because it cannot be read. */
export function framerOf(head: ResponseHead, messageBytesMax: number): Framer {
  const form = formOf(head);
  return form === 'events' ? new Framer(new SseEvents(), messageBytesMax) : new Framer(wholeBody(), form === 'encoded' ? 0 : messageBytesMax);
}
