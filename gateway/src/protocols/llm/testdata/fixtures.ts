import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attributes } from '../../../domain/action.ts';
import { ModelAnswer } from '../answer.ts';
import { findApi } from '../routes.ts';
import type { Message } from '../transcript.ts';

export function fixture(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, name));
}

export interface ReadAnswer {
  readonly facts: Attributes;
  readonly messages: readonly Message[];
}

/** What is made of an answer to a POST to this path, given in these pieces. */
export function readAnswer(path: string, contentType: string, pieces: readonly Uint8Array[], status = 200): ReadAnswer {
  const api = findApi({ method: 'POST', path, headers: [] });
  const reader = new ModelAnswer(api?.shape ?? null, 1_000_000);
  const forFacts = new ModelAnswer(api?.shape ?? null);
  for (const each of [reader, forFacts]) {
    each.head({ status, headers: [['content-type', contentType]] });
    for (const piece of pieces) {
      each.bytes(piece);
    }
  }
  return { facts: forFacts.facts(), messages: reader.messages() };
}

export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
}
