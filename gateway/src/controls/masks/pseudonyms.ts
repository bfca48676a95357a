import { JsonPlace } from './json-place.ts';
import type { TextChange, TextStream } from '../../domain/text-change.ts';

/** Most stand-ins that are remembered, of all sessions together. Of those that were used longest ago the values are forgotten: then they stay in answers. */
const rememberedMax = 100_000;
/** The end of a stand-in behind the name of its class: see `maskChange`. */
const digest = /^_[0-9a-f]{0,16}$/;
const digestLength = 17;

/** The values for which stand-ins went to targets, by session, so that they are put back in answers. */
export class Pseudonyms {
  /** By session and stand-in, in the order in which they were used last. */
  readonly #values = new Map<string, string>();

  /** Remembers the value for which a stand-in goes to a target. */
  remember(session: string, standIn: string, value: string): void {
    const key = keyOf(session, standIn);
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > rememberedMax) {
      const [oldest = ''] = this.#values.keys();
      this.#values.delete(oldest);
    }
  }

  /** Makes the change that puts values of these classes back in place of their stand-ins. One of which no value is known stays as it is. */
  restoring(session: string, classes: readonly string[]): TextChange {
    const standIn = new RegExp(`(?:${classes.join('|')})_[0-9a-f]{16}`, 'gi');
    const restoreAt = (place: JsonPlace, text: string): string => {
      let done = 0;
      const restored = text.replaceAll(standIn, (found, at: number) => {
        place.pass(text.slice(done, at));
        done = at;
        const value = this.#values.get(keyOf(session, found.toLowerCase())) ?? found;
        // In a string of JSON no character of the value ends the string.
        return place.isInString ? JSON.stringify(value).slice(1, -1) : value;
      });
      place.pass(text.slice(done));
      return restored;
    };
    const restore = (text: string): string => restoreAt(new JsonPlace(), text);
    const begin = (): TextStream => {
      let held = '';
      const place = new JsonPlace();
      return {
        push: (piece) => {
          const text = held + piece;
          const at = beginsAt(text, classes);
          held = text.slice(at);
          return restoreAt(place, text.slice(0, at));
        },
        end: () => restoreAt(place, held),
        isHolding: () => held !== '',
      };
    };
    return Object.assign(restore, { begin });
  }
}

function keyOf(session: string, standIn: string): string {
  return `${session}\0${standIn}`;
}

/** Returns the position at which the end of a text may be the beginning of a stand-in. */
function beginsAt(text: string, classes: readonly string[]): number {
  const longest = Math.max(...classes.map((name) => name.length)) + digestLength - 1;
  for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
    const end = text.slice(-length).toLowerCase();
    if (classes.some((name) => (length <= name.length ? name.startsWith(end) : end.startsWith(name) && digest.test(end.slice(name.length))))) {
      return text.length - length;
    }
  }
  return text.length;
}
