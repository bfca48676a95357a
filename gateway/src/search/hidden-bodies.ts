import { ownAttributes } from '../domain/own-attributes.ts';
import type { HiddenBodies } from '../feed/evidence.ts';
import { matches } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import type { ReadRecord } from './record-facts.ts';
import type { Boundary } from './sight.ts';

/** The records whose content is left out of evidence, and those whose facts are left out too. */
export interface Hiding {
  readonly content: Query;
  readonly facts: Query;
}

/**
 * Finds the bodies that are left out of a session, whose records are given in order. A request or an answer in several records is left out as a whole, because a value may
 * be divided between two of them. Facts that hold content go with it.
 */
export async function findHiddenBodies(records: AsyncIterable<ReadRecord>, hiding: Hiding, boundary: Boundary): Promise<HiddenBodies> {
  const messages = new Map<string, Message>();
  for await (const { shown, facts } of records) {
    const { kind, seq, attributes } = shown;
    const isPart = kind === 'request' || kind === 'response';
    const name = isPart ? `${kind} ${String(attributes[ownAttributes.request] ?? seq)}` : String(seq);
    const message = messages.get(name) ?? { seqs: [], holdingContent: [], isHidden: false, areFactsHidden: false };
    messages.set(name, message);
    message.seqs.push(seq);
    if (boundary.hasContentInFacts(shown)) {
      message.holdingContent.push(seq);
    }
    message.areFactsHidden ||= matches(hiding.facts, facts);
    message.isHidden ||= message.areFactsHidden || matches(hiding.content, facts);
  }
  const hidden = [...messages.values()].filter(({ isHidden }) => isHidden);
  return {
    content: new Set(hidden.flatMap(({ seqs }) => seqs)),
    facts: new Set(hidden.flatMap(({ seqs, holdingContent, areFactsHidden }) => (areFactsHidden ? seqs : holdingContent))),
  };
}

interface Message {
  readonly seqs: number[];
  /** The records whose facts hold content. */
  readonly holdingContent: number[];
  isHidden: boolean;
  areFactsHidden: boolean;
}
