import type { Sight } from '../access/rights.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { ShowRecord } from '../feed/recordings.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { findField } from '../query/fields.ts';
import { matches } from '../query/matches.ts';
import { both, either, isEverything, specialFields, type Query, type Term } from '../query/query.ts';
import { FactReader, type ReadRecord } from './record-facts.ts';

/** The attributes that a reader adds to those of a record, and that are facts. */
const addedFacts: ReadonlySet<string> = new Set([
  'session.id',
  'user.id',
  'user.roles',
  'client.address',
  ownAttributes.principalKind,
  ownAttributes.obligations,
  ownAttributes.policyVersion,
  ownAttributes.undecided,
  ownAttributes.observed,
  ownAttributes.reason,
  ownAttributes.environment,
  ownAttributes.opening,
  ownAttributes.continues,
  ownAttributes.withheld,
]);
/** Begins the names of attributes that are facts on what no protocol made. */
const ownPrefix = 'countersign.';
const ofNoProtocol: Query = { is: 'not', part: { is: 'term', field: 'protocol', test: { by: 'like', texts: ['', ''] } } };

/** Says which parts of records are facts, and which are content. `factNames` are the attributes that no protocol takes for content. */
export class Boundary {
  readonly #factNames: ReadonlySet<string>;

  constructor(factNames: ReadonlySet<string>) {
    this.#factNames = factNames;
  }

  /** Returns the query as it counts for somebody: only for the records that are seen, and what it asks of content holds only where the content is seen. */
  seen(query: Query, { facts, content }: Sight): Query {
    return both([isEverything(content) ? query : this.#limited(query, content), facts]);
  }

  /** Returns the records of which a field may be asked. */
  scopeOfField(field: string, content: Query): Query {
    if (field === specialFields.text) {
      return content;
    }
    const isFact = field === specialFields.time || findField(field) !== undefined || this.#isFact(field, false);
    return isFact ? { is: 'all' } : field.startsWith(ownPrefix) ? either([content, ofNoProtocol]) : content;
  }

  /** Returns a record without its content. */
  factsOf(shown: ShownRecord): ShownRecord {
    const kept = Object.entries(shown.attributes).filter(([name]) => this.#isFact(name, shown.protocol === null));
    return { ...shown, attributes: Object.fromEntries(kept), content: null };
  }

  /** Returns whether the facts that were recorded with a record hold some of its content. */
  hasContentInFacts({ attributes, protocol }: ShownRecord): boolean {
    return Object.keys(attributes).some((name) => !this.#isFact(name, protocol === null));
  }

  #isFact(attribute: string, isOfNoProtocol: boolean): boolean {
    return this.#factNames.has(attribute) || addedFacts.has(attribute) || (isOfNoProtocol && attribute.startsWith(ownPrefix));
  }

  #limited(query: Query, content: Query): Query {
    switch (query.is) {
      case 'and':
      case 'or':
        return { is: query.is, parts: query.parts.map((part) => this.#limited(part, content)) };
      case 'not':
        return { is: 'not', part: this.#limited(query.part, content) };
      case 'term':
        return this.#limitedTerm(query, content);
      default:
        return query;
    }
  }

  #limitedTerm(term: Term, content: Query): Query {
    return both([term, this.scopeOfField(term.field, content)]);
  }
}

/** Returns whether a record is among those that are seen. Of one whose facts are missing nobody can say that, unless all are seen. */
export function sees(seen: Query, { shown, facts }: Pick<ReadRecord, 'shown' | 'facts'>): boolean {
  const withheld = shown.attributes[ownAttributes.withheld];
  const isUnknown = shown.channel === null && (withheld === 'mismatch' || withheld === 'erased');
  return isEverything(seen) || (!isUnknown && matches(seen, facts));
}

/** Returns a function that makes of each record of a session, in order, what somebody sees of it: all, its facts, or null. With `hasTables`, rows are shown as tables too. */
export function viewOf(
  { facts, content }: Sight,
  { findProtocol, boundary }: { readonly findProtocol: FindProtocol; readonly boundary: Boundary },
  hasTables = false,
): ShowRecord {
  const reader = new FactReader(findProtocol, { hasTables });
  return (record, needed) => {
    const read = reader.read(record, needed);
    return !sees(facts, read) ? null : sees(content, read) ? read.shown : boundary.factsOf(read.shown);
  };
}
