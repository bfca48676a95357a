import { StringDecoder } from 'node:string_decoder';
import type { Attributes } from '../domain/action.ts';
import type { Obligation } from '../domain/decision.ts';
import { changeEnvironment, statesEnvironment } from '../domain/environment.ts';
import { isOfIssuer } from '../domain/issuer.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { processOutput, type OpenedRecord, type ReadMeta, type ReadObserved, type Rendering } from '../domain/record.ts';
import type { Protocol } from '../domain/protocol.ts';
import { governanceWords } from './governance-words.ts';
import type { ShownContent, ShownRecord } from './shown-record.ts';
import { ToolCalls } from './tool-calls.ts';

/** Most records that are kept while a session is read: requests, because a later request may refer to one (a prepared statement), and parts of answers that are not complete. */
const wholeMemory: TimelineMemory = {
  requests: { recordsMax: 10_000, bytesMax: 64 * 1024 * 1024 },
  responses: { recordsMax: 100_000, bytesMax: 64 * 1024 * 1024 },
};

interface MemoryLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** How much is kept of the requests and of the answers of a session. */
interface TimelineMemory {
  readonly requests: MemoryLimits;
  readonly responses: MemoryLimits;
}

/** Limits for a reader of many sessions at the same time. */
export const smallMemory: TimelineMemory = {
  requests: { recordsMax: 1000, bytesMax: 2 * 1024 * 1024 },
  responses: { recordsMax: 1000, bytesMax: 2 * 1024 * 1024 },
};

export type FindProtocol = (id: string) => Protocol | undefined;

export interface TimelineOptions {
  readonly memory?: TimelineMemory;
  /** True: the rows of answers are shown as tables too. */
  readonly hasTables?: boolean;
}

/** Turns the opened records of one session, which are given in order, into the form that people and programs are shown. */
export class Timeline {
  readonly #findProtocol: FindProtocol;
  readonly #hasTables: boolean;
  readonly #requests: Remembered;
  readonly #responses: Remembered;
  readonly #toolCalls = new ToolCalls();
  readonly #used = new Set<OpenedRecord>();
  /** The number of the record that states the environment. Null: none did yet, as in stores of before. */
  #environment: number | null = null;
  /** The numbers of the records that opened the channels. */
  readonly #openings = new Map<number, number>();
  /** Decoders of the output of a run's command, by `log.iostream`: a character may be divided between two records. */
  readonly #outputs = new Map<unknown, StringDecoder>();

  constructor(findProtocol: FindProtocol, { memory: { requests, responses } = wholeMemory, hasTables = false }: TimelineOptions = {}) {
    this.#findProtocol = findProtocol;
    this.#hasTables = hasTables;
    this.#requests = new Remembered(requests);
    this.#responses = new Remembered(responses);
  }

  /** The earlier records that were needed to show the one that was shown last. */
  get used(): ReadonlySet<OpenedRecord> {
    return this.#used;
  }

  show(record: OpenedRecord): ShownRecord {
    this.#used.clear();
    if (record.kind === 'request') {
      this.#requests.add(record);
    } else if (record.kind === 'response') {
      this.#responses.add(record);
    }
    const facts = record.channelFacts;
    const rendered = this.#render(record);
    const opens = record.meta?.opens;
    const { policies = [], policyVersion = '' } = record.meta ?? rulingOf(record);
    const own: Attributes = { ...record.meta?.attributes, ...rendered?.attributes };
    const causes = this.#toolCalls.causes({ seq: record.seq, kind: record.kind, attributes: own, text: rendered?.text ?? '', partOf: record.meta?.request });
    return {
      session: record.session,
      seq: record.seq,
      time: new Date(record.timeMs).toISOString(),
      channel: record.meta?.channel ?? null,
      target: emptyToNull(facts?.target),
      protocol: emptyToNull(facts?.protocol),
      kind: record.kind,
      action: record.meta?.action ?? null,
      principal: facts?.principal ?? null,
      verdict: record.meta?.verdict ?? null,
      policies,
      attributes: {
        'session.id': record.session,
        ...(facts === null ? {} : { 'user.id': facts.principal, 'user.roles': facts.groups, 'client.address': facts.clientAddress }),
        ...(facts?.principalKind !== undefined && isOfIssuer(facts.principal) ? { [ownAttributes.principalKind]: facts.principalKind } : {}),
        ...(opens?.onBehalfOf === undefined ? {} : { [ownAttributes.onBehalfOf]: opens.onBehalfOf }),
        ...own,
        ...(causes.certain.length === 0 ? {} : { 'gen_ai.tool.call.id': causes.certain }),
        ...(causes.likely.length === 0 ? {} : { [ownAttributes.likelyToolCalls]: causes.likely }),
        ...(causes.causedBy === null ? {} : { [ownAttributes.causedBy]: causes.causedBy }),
        ...(record.meta?.obligations === undefined ? {} : { [ownAttributes.obligations]: record.meta.obligations.map(printObligation) }),
        ...(policyVersion === '' ? {} : { [ownAttributes.policyVersion]: policyVersion }),
        ...(record.meta?.undecided === undefined ? {} : { [ownAttributes.undecided]: true }),
        ...(record.meta?.observed === undefined ? {} : { [ownAttributes.observed]: printObserved(record.meta.observed) }),
        ...(record.meta?.reason === undefined ? {} : { [ownAttributes.reason]: record.meta.reason }),
        ...(record.meta?.request === undefined ? {} : { [ownAttributes.request]: record.meta.request }),
        ...this.#surroundings(record),
        ...(record.continues ? { [ownAttributes.continues]: true } : {}),
        ...(record.withheld === null ? {} : { [ownAttributes.withheld]: record.withheld }),
        ...governanceAttributes(record),
      },
      content: contentOf(record, rendered, this.#hasTables),
      record: record.record,
    };
  }

  /** Returns the numbers of the records in which it stands under what circumstances this one was made. */
  #surroundings({ seq, meta }: OpenedRecord): Attributes {
    if (meta === null) {
      return this.#environment === null ? {} : { [ownAttributes.environment]: this.#environment };
    }
    if (statesEnvironment(meta.attributes ?? {})) {
      this.#environment = seq;
    }
    if (meta.opens !== undefined || (meta.action === changeEnvironment && meta.channel !== 0)) {
      this.#openings.set(meta.channel, seq);
    }
    const opening = this.#openings.get(meta.channel);
    return {
      ...(this.#environment === null ? {} : { [ownAttributes.environment]: this.#environment }),
      ...(opening === undefined ? {} : { [ownAttributes.opening]: opening }),
    };
  }

  #render(record: OpenedRecord): Rendering | null {
    if (record.meta?.action === processOutput) {
      return this.#renderOutput(record);
    }
    if (record.kind === 'policy') {
      return { mediaType: 'text/plain', text: Buffer.from(record.content ?? []).toString(), attributes: {} };
    }
    const words = governanceWords(record);
    if (words !== null) {
      return { mediaType: 'text/plain', text: words.join('\n'), attributes: {} };
    }
    // A protocol would say of a record of the gateway's own, as of a mask, that its bytes are lacking.
    if (record.content === null && record.kind !== 'request' && record.kind !== 'response') {
      return null;
    }
    const protocol = record.channelFacts === null ? undefined : this.#findProtocol(record.channelFacts.protocol);
    return protocol?.render(record, (seq) => this.#earlier(seq)) ?? null;
  }

  #earlier(seq: number): OpenedRecord | null {
    const found = this.#requests.find(seq) ?? this.#responses.find(seq) ?? null;
    if (found !== null) {
      this.#used.add(found);
    }
    return found;
  }

  #renderOutput({ meta, content }: OpenedRecord): Rendering {
    const stream = meta?.attributes?.['log.iostream'];
    const known = this.#outputs.get(stream);
    const decoder = known ?? new StringDecoder('utf8');
    this.#outputs.set(stream, decoder);
    return {
      mediaType: 'text/plain; charset=utf-8',
      text: decoder.write(Buffer.from(content ?? [])),
      attributes: known === undefined ? {} : { [ownAttributes.begunText]: true },
    };
  }
}

/** Returns which policies had a say in a reading, of the record of one, which a bundle may have in any form. */
function rulingOf({ kind, content }: OpenedRecord): Partial<Pick<ReadMeta, 'policies' | 'policyVersion'>> {
  if (kind !== 'access' || content === null) {
    return {};
  }
  try {
    const { policies, policyVersion }: Readonly<Record<string, unknown>> = Object(JSON.parse(Buffer.from(content).toString()));
    return Array.isArray(policies) && typeof policyVersion === 'string' ? { policies: policies.map(String), policyVersion } : {};
  } catch {
    return {};
  }
}

/** Prints an obligation as `KIND`, followed by `NAME=VALUE` for each parameter. */
function printObligation({ kind, parameters }: Obligation): string {
  return [kind, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)].join(' ');
}

/** Prints what would have been decided as `VERDICT by POLICIES: REASON`. */
function printObserved({ verdict, policies, reason }: ReadObserved): string {
  return `${verdict}${policies.length === 0 ? '' : ` by ${policies.join(', ')}`}: ${reason}`;
}

function emptyToNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

function contentOf(record: OpenedRecord, rendered: Rendering | null, hasTables: boolean): ShownContent | null {
  // A record of governance states something without any content, too.
  if (record.content === null && (record.governance === null || rendered === null || rendered.text === '')) {
    return null;
  }
  const bytes = record.content?.length ?? 0;
  return rendered === null
    ? { mediaType: 'application/octet-stream', base64: Buffer.from(record.content ?? []).toString('base64'), bytes }
    : { mediaType: rendered.mediaType, text: rendered.text, bytes, ...(hasTables && rendered.tables !== undefined ? { tables: rendered.tables() } : {}) };
}

/** The facts of a governance record that are not encrypted, as one attribute each. */
function governanceAttributes(record: OpenedRecord): Readonly<Record<string, string | number | boolean>> {
  const attributes: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(record.governance ?? {})) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      attributes[`countersign.${record.kind}.${name}`] = value;
    }
  }
  return attributes;
}

/** Keeps the records that were added or found last. Past a limit those are dropped that were not wanted for longest, but never the last one. */
class Remembered {
  readonly #limits: MemoryLimits;
  readonly #records = new Map<number, OpenedRecord>();
  #bytes = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  find(seq: number): OpenedRecord | undefined {
    const found = this.#records.get(seq);
    if (found !== undefined) {
      this.#records.delete(seq);
      this.#records.set(seq, found);
    }
    return found;
  }

  add(record: OpenedRecord): void {
    this.#records.set(record.seq, record);
    this.#bytes += record.content?.length ?? 0;
    for (const [seq, old] of this.#records) {
      if (seq === record.seq || (this.#records.size <= this.#limits.recordsMax && this.#bytes <= this.#limits.bytesMax)) {
        return;
      }
      this.#records.delete(seq);
      this.#bytes -= old.content?.length ?? 0;
    }
  }
}
