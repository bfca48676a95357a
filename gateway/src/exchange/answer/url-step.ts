import { hash } from 'node:crypto';
import type { Step } from '../../domain/step.ts';
import { directMax, directUrl, OwnUrls, type OwnUrlParts } from './own-urls.ts';
import type { Headers } from '../reading.ts';
import { decodeBody } from '../../content/codings.ts';
import { endOfString } from '../../content/json-texts.ts';

interface AnsweredBody {
  readonly urls: OwnUrlParts;
  readonly members: readonly string[];
  readonly headers: Headers;
  readonly recordedWay: string | null;
  readonly body: Uint8Array;
}

export interface RewrittenBody {
  /** The changed body. Null: nothing in the body changes. */
  readonly body: Uint8Array | null;
  /** The members that were changed. `digests` are those of the addresses that the target sent. */
  readonly places: readonly string[];
  readonly digests: readonly string[];
  /** The addresses that stay unchanged, as `directUrl` describes them. */
  readonly direct: ReadonlySet<string>;
}

/** Changes the addresses in the body of an answer that is JSON. Only their texts change. */
export const step: Step<AnsweredBody, RewrittenBody> = {
  module: import.meta.url,
  take: ({ urls: parts, members, headers, recordedWay, body }) => {
    const urls = new OwnUrls(parts);
    const [places, digests]: [string[], string[]] = [[], []];
    const direct = new Set<string>();
    const text = decodeBody(headers, Buffer.from(body.buffer, body.byteOffset, body.length)).toString('latin1');
    const label = new RegExp(String.raw`"(${members.join('|')})"\s*:\s*(?=")`, 'g');
    const pieces: string[] = [];
    let kept = 0;
    for (let found = label.exec(text); found !== null; found = label.exec(text)) {
      const start = label.lastIndex;
      const end = endOfString(text, start);
      if (end === null) {
        break;
      }
      label.lastIndex = end;
      const [, name = ''] = found;
      const url = parseText(text.slice(start, end));
      const through = url === null ? null : urls.through(url, recordedWay);
      if (url === null || through === null) {
        const named = url === null || direct.size >= directMax ? null : directUrl(name, url);
        if (named !== null) {
          direct.add(named);
        }
        continue;
      }
      places.push(name);
      digests.push(digestOf(url));
      if (through !== url) {
        pieces.push(text.slice(kept, start), JSON.stringify(through));
        kept = end;
      }
    }
    pieces.push(text.slice(kept));
    return { body: places.length === 0 ? null : Buffer.from(pieces.join(''), 'latin1'), places, digests, direct };
  },
};

/** Returns the digest of an address that the target sent. */
export function digestOf(url: string): string {
  return hash('sha256', Buffer.from(url, 'latin1'));
}

/** Parses the text of a JSON string; null if it is none. */
function parseText(json: string): string | null {
  try {
    return String(JSON.parse(json));
  } catch {
    return null;
  }
}
