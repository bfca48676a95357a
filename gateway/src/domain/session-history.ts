import type { Attributes, AttributeValue } from './action.ts';
import { FollowedValues, printFollowed, readFollowed } from './followed-values.ts';
import { ownAttributes } from './own-attributes.ts';
import { inRecords } from './record.ts';
import { unknownClass } from './seen.ts';
import { amountsOf } from './usage.ts';

/** Most names of tables that are remembered of one session. */
const tablesMax = 10_000;

/** Most alerts of one session about values that go elsewhere. */
const leaksMax = 1_000;

/** The acts of a session so far, as one thread tells another. */
export interface HistorySummary {
  readonly targets: readonly string[];
  readonly tables: readonly string[];
  readonly isCut: boolean;
  readonly classes: readonly string[];
  /** Each as `printFollowed` makes it. */
  readonly followed: readonly string[];
  readonly isFollowedCut: boolean;
  readonly requests: number;
  readonly denials: number;
  readonly approvals: number;
  readonly rows: number;
  readonly bytes: number;
  readonly tokens: number;
}

const counts = ['requests', 'denials', 'approvals', 'rows', 'bytes', 'tokens'] as const;
/** The attributes that have the counts of a history in its record. */
const countAttributes = {
  requests: ownAttributes.historyRequests,
  denials: ownAttributes.historyDenials,
  approvals: ownAttributes.historyApprovals,
  rows: ownAttributes.historyRows,
  bytes: ownAttributes.historyBytes,
  tokens: ownAttributes.historyTokens,
} as const;

/** The acts of a session so far. Policy asks for them, and channels add to them what they record. */
export class LiveHistory {
  readonly targets = new Set<string>();
  readonly tables = new Set<string>();
  isCut = false;
  /** The classes of the values that it saw. A value that was masked was not seen. `unknownClass`: it saw what was to be inspected and could not be. */
  readonly classes = new Set<string>();
  readonly followed = new FollowedValues();
  /** True while it is not known what the session did before the gateway started: then `include` brings it. */
  isPending = false;
  requests = 0;
  denials = 0;
  approvals = 0;
  rows = 0;
  bytes = 0;
  tokens = 0;
  readonly #leaks = new Set<string>();
  readonly #looks = new Set<() => void>();
  /** The newest request that was added: its tables need not be added again with the next one that is the same. */
  #newest: { readonly target: string; readonly attributes: Attributes } | null = null;

  /** Adds a request that was allowed. Its tables count from now on, and not only when it has ended. */
  allowed(target: string, attributes: Attributes): void {
    this.requests += 1;
    if (attributes === this.#newest?.attributes && target === this.#newest.target) {
      return;
    }
    this.#newest = { target, attributes };
    this.#see(attributes);
    this.targets.add(target);
    for (const table of textsOf(attributes[ownAttributes.tables])) {
      this.#addTable(`${target}/${table}`);
    }
  }

  /** Adds a request that was denied. */
  denied(): void {
    this.requests += 1;
    this.denials += 1;
  }

  /** Adds a request that people approved. */
  approved(): void {
    this.approvals += 1;
  }

  /** Adds a record of an answer: `bytes` is how long it is. */
  answered(attributes: Attributes, bytes: number): void {
    const { rows, tokens } = amountsOf(attributes);
    this.bytes += bytes;
    this.rows += rows;
    this.tokens += tokens;
    this.#see(attributes);
    if (attributes[ownAttributes.inspected] === false) {
      this.classes.add(unknownClass);
    }
  }

  /** Adds what a record of values that are followed tells: the values, and what was seen at the end of an answer. */
  noted(attributes: Attributes): void {
    this.follow(textsOf(attributes[ownAttributes.followed]));
    this.followed.isCut ||= attributes[ownAttributes.followedIsCut] === true;
    if (attributes[ownAttributes.classes] !== undefined || attributes[ownAttributes.inspected] !== undefined) {
      this.answered(attributes, 0);
    }
  }

  /** Registers an act that adds what the client may have of answers before they are whole. Returns the act that ends this. */
  onAsked(look: () => void): () => void {
    this.#looks.add(look);
    return () => {
      this.#looks.delete(look);
    };
  }

  /** Adds what the client may have by now. */
  asked(): void {
    this.#looks.forEach((look) => {
      look();
    });
  }

  /** Returns true if this has not leaked before: values of a class from a source to a target. */
  leaks(leak: string): boolean {
    if (this.#leaks.has(leak) || this.#leaks.size >= leaksMax) {
      return false;
    }
    this.#leaks.add(leak);
    return true;
  }

  /** Adds values that are followed from now on, each as `printFollowed` makes it. */
  follow(values: readonly string[]): void {
    for (const text of values) {
      const value = readFollowed(text);
      if (value !== null) {
        this.followed.add(value);
      }
    }
  }

  get summary(): HistorySummary {
    const { targets, tables, isCut, classes, followed, requests, denials, approvals, rows, bytes, tokens } = this;
    const values = { classes: [...classes], followed: Array.from(followed, printFollowed), isFollowedCut: followed.isCut };
    return { targets: [...targets], tables: [...tables], isCut, ...values, requests, denials, approvals, rows, bytes, tokens };
  }

  /** Adds what another session did before, whose activity this one continues. */
  include(before: HistorySummary): void {
    before.targets.forEach((target) => this.targets.add(target));
    before.tables.forEach((table) => {
      this.#addTable(table);
    });
    this.isCut ||= before.isCut;
    before.classes.forEach((name) => this.classes.add(name));
    this.follow(before.followed);
    this.followed.isCut ||= before.isFollowedCut;
    for (const count of counts) {
      this[count] += before[count];
    }
  }

  #see(attributes: Attributes): void {
    const classes = textsOf(attributes[ownAttributes.classes]);
    if (classes.length > 0) {
      const masked = new Set(textsOf(attributes[ownAttributes.masked]).map((each) => each.split('=', 1)[0]));
      classes.filter((name) => !masked.has(name)).forEach((name) => this.classes.add(name));
    }
  }

  #addTable(table: string): void {
    if (this.tables.size < tablesMax) {
      this.tables.add(table);
    } else if (!this.tables.has(table)) {
      this.isCut = true;
    }
  }
}

/** Returns the attributes of the records that hold a history. The first has its counts, and all together have its names. */
export function printHistory({ targets, tables, isCut, classes, followed, isFollowedCut, ...summary }: HistorySummary): readonly Attributes[] {
  const [some = [], ...others] = inRecords(targets);
  const ofTables = inRecords(tables);
  const ofValues = inRecords(followed);
  const first: Attributes = {
    ...Object.fromEntries(counts.map((count) => [countAttributes[count], summary[count]])),
    [ownAttributes.historyTargets]: some,
    // A name that is too long for a record is in none.
    ...(isCut || ofTables.flat().length < tables.length ? { [ownAttributes.historyIsCut]: true } : {}),
    ...(isFollowedCut || ofValues.flat().length < followed.length ? { [ownAttributes.historyFollowedIsCut]: true } : {}),
  };
  const lists = [
    [ownAttributes.historyTargets, others],
    [ownAttributes.historyTables, ofTables],
    [ownAttributes.historyClasses, inRecords(classes)],
    [ownAttributes.historyFollowed, ofValues],
  ] as const;
  return [first, ...lists.flatMap(([name, records]) => records.map((texts) => ({ [name]: texts })))];
}

/** Reads the history of a record that `printHistory` made. Null: the record has none. `isFirst`: it has the counts, and all that was done before. */
export function readHistory(attributes: Attributes): { readonly summary: HistorySummary; readonly isFirst: boolean } | null {
  const targets = textsOf(attributes[ownAttributes.historyTargets]);
  const tables = textsOf(attributes[ownAttributes.historyTables]);
  const classes = textsOf(attributes[ownAttributes.historyClasses]);
  const followed = textsOf(attributes[ownAttributes.historyFollowed]);
  const isFirst = attributes[ownAttributes.historyRequests] !== undefined;
  const summary = {
    targets,
    tables,
    classes,
    followed,
    isFollowedCut: attributes[ownAttributes.historyFollowedIsCut] === true,
    isCut: attributes[ownAttributes.historyIsCut] === true || attributes[ownAttributes.cut] !== undefined,
    ...Object.fromEntries(counts.map((count) => [count, Number(attributes[countAttributes[count]] ?? 0)])),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `counts` names all other members of a summary
  return isFirst || targets.length + tables.length + classes.length + followed.length > 0 ? { summary: summary as HistorySummary, isFirst } : null;
}

function textsOf(value: AttributeValue | undefined): readonly string[] {
  return Array.isArray(value) ? value : typeof value === 'string' ? [value] : [];
}
