import type { Attributes, GivenIds } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { headerOf, type AnswerReading, type Headers, type Note, type RequestHead, type ResponseHead } from '../../exchange/reading.ts';
import type { TakeElsewhere } from '../../exchange/step.ts';
import { undoCodings } from '../../content/codings.ts';
import type { Frame } from '../../content/frame.ts';
import type { Framer } from '../../content/framer.ts';
import { parseStrictJson } from '../../content/strict-json.ts';
import type { JsonObject } from './json.ts';
import { type Provider, providers } from './options.ts';

/** Most characters of an id or an address. A longer text of a body, or one with white space between other characters, is neither. */
const textLengthMax = 2048;
/** How many times the encoding of an address is undone: a server may undo it more than once. */
const pathDecodingsMax = 3;
/** Types of bodies that are not text. No server reads such a body as JSON. */
const mediaType = /^(?:audio|image|video|font)\/|^application\/(?:octet-stream|pdf|zip)\b/i;
/** Characters at the end of a piece that are searched again together with the next piece, because the end of a piece may cut an id. */
const tailCharactersMax = 1024;
/** Most ids that are noted from one answer. Lists are longer, and give no ids. */
const idsMax = 1_000;
/** Most ids in one request. A long conversation names each of its messages. */
const namedMax = 10_000;

/** How to find the ids under which a provider keeps something for a client. */
interface IdRules {
  readonly spelling: string;
  /** Names of the members of its answers that give ids, as a regular expression. */
  readonly members: string;
  /** Headers of its answers that give ids, including ids that the client chose. */
  readonly headers: readonly string[];
  /** Paths of requests for which the provider keeps nothing, unless the request says so. Most requests have such a path. */
  readonly keepsNothing: RegExp;
}

// https://platform.openai.com/docs/api-reference
const openai: IdRules = {
  spelling:
    '(?:resp|conv|chatcmpl|msg|rs|fc|fco|ctc|cu|ws|fs|ci|ig|lsh|sh|apc|mcp|mcpr|mcpl|cmp|file|assistant|batch|upload|part|thread|run|step|asst|vs|vsfb|cntr|cfile|video|ftjob|eval|evalrun|skill|chatkit|cthr)[-_][A-Za-z0-9_-]{6,200}',
  members: String.raw`id|\w+_id`,
  headers: [],
  keepsNothing: /\/(?:completions|embeddings|models)(?:\?|$)/,
};

const rules: Readonly<Record<Provider, IdRules | null>> = {
  openai,
  // https://learn.microsoft.com/azure/ai-foundry/openai/reference
  azure: openai,
  // https://docs.anthropic.com/en/api
  anthropic: {
    spelling: '(?:file|msgbatch|container|skill|skillver|agent|env|sesn|session|vlt|memstore|mem)_[A-Za-z0-9_]{6,200}',
    members: String.raw`id|\w+_id`,
    headers: [],
    keepsNothing: /\/(?:count_tokens|models)(?:\?|$)/,
  },
  // https://ai.google.dev/api
  gemini: {
    spelling: String.raw`(?:files|cachedContents|batches|operations|corpora|fileSearchStores|documents)/[\w-]{1,200}|v1_[A-Za-z0-9_-]{16,400}`,
    members: String.raw`id|name|file|uri|responsesFile`,
    headers: [],
    keepsNothing: /:(?:streamG|g)enerateContent|:countTokens|mbedContent/,
  },
  // https://docs.aws.amazon.com/bedrock/latest/APIReference
  bedrock: {
    spelling: String.raw`arn:aws[\w-]*:bedrock:[\w-]*:\d*:(?:async-invoke|model-invocation-job|session)/[\w-]{6,64}|(?<=/(?:sessions|invocations)/)[\w.:-]{2,200}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`,
    members: String.raw`sessionId|sessionArn|invocationArn|invocationId|jobArn|memoryId`,
    headers: ['x-amz-bedrock-agent-session-id'],
    keepsNothing: /\/model\//,
  },
  // Ollama keeps nothing for a client except models.
  ollama: null,
};

/** Finds the ids of one provider in requests and in answers. */
export class IdsOfProvider {
  readonly provider: Provider;
  readonly #rules: IdRules;
  readonly #named: RegExp;
  /** Matches the beginning of an id in JSON. The search is cheap. */
  readonly #beginning: RegExp;
  readonly #given: RegExp;

  constructor(provider: Provider, idRules: IdRules) {
    this.provider = provider;
    const { spelling, members } = idRules;
    this.#rules = idRules;
    this.#named = new RegExp(String.raw`(?<![\w-])(?:${spelling})(?![\w-])`, 'g');
    this.#beginning = new RegExp(String.raw`(?:["/ ]|\\[bfnrt])(?:${spelling})`);
    this.#given = new RegExp(String.raw`"(?:${members})"\s*:\s*"((?:[^"\\\s]{1,${textLengthMax}}))"`, 'g');
  }

  /** True if the body must be read whole to find the ids in it. False for uploads, which name none. */
  isReadWhole({ path, headers }: RequestHead): boolean {
    return !path.startsWith('/upload/') && !/^multipart\//i.test(headerOf(headers, 'content-type') ?? '');
  }

  /**
   * Finds the ids that the address and the body name, in any member: which members name something changes with each version of an API. `json` is the body if it
   * was parsed already. Throws GatewayError `malformed` for a body that may name ids and that parsers read differently or that cannot be read here;
   * `limit_exceeded`.
   */
  named({ path, headers }: RequestHead, body: Uint8Array | null, json?: JsonObject): readonly string[] {
    const found = new Set(this.#all(decodePath(path)));
    const bytes = body === null ? Buffer.alloc(0) : readableBody(headers, body);
    const text = bytes.toString('latin1');
    const type = headerOf(headers, 'content-type') ?? '';
    if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
      this.#all(decodePath(text.replaceAll('+', ' '))).forEach((id) => found.add(id));
    }
    // Most bodies name nothing and need not be parsed a second time. An escape may hide anything, and so may an encoding with zeros between the letters.
    if (text.includes('\\u') || text.includes('\\/') || (text.includes('\0') && !mediaType.test(type)) || this.#beginning.test(text)) {
      for (const each of textsOf(json ?? parseStrictJson(bytes))) {
        for (const id of this.#in(each.trim())) {
          found.add(id);
        }
      }
    }
    if (found.size > namedMax) {
      throw new GatewayError('limit_exceeded', `A request names more than ${namedMax} ids of the provider's.`);
    }
    return [...found];
  }

  /** True if the provider keeps nothing for such a request that could be named later. */
  keepsNothing({ path }: RequestHead, body: Uint8Array): boolean {
    return this.#rules.keepsNothing.test(path) && !asBuffer(body).includes('"store"');
  }

  /** Returns a reading that does what `reading` does and also finds the ids that the answer gives. */
  follow(head: RequestHead, named: readonly string[], reading: AnswerReading): AnswerReading {
    return isList(head, named) ? reading : new GivenIdsReading(this, named, reading);
  }

  /** Yields the ids that a text of an answer gives, one at a time: a text may hold a million, and the caller stops when it has enough. */
  *givenIn(text: string): Generator<string> {
    for (const [, value = ''] of text.matchAll(this.#given)) {
      yield* this.#in(value);
    }
  }

  givenBy({ headers }: ResponseHead): readonly string[] {
    return headers.flatMap(([name, value]) => (this.#rules.headers.includes(name) ? [value] : []));
  }

  #in(text: string): readonly string[] {
    return text.length > textLengthMax || /\s/.test(text) ? [] : this.#all(text);
  }

  #all(text: string): readonly string[] {
    return text.match(this.#named) ?? [];
  }
}

const known = new Map(
  providers.flatMap((provider) => {
    const idRules = rules[provider];
    return idRules === null ? [] : [[provider, new IdsOfProvider(provider, idRules)] as const];
  }),
);

export function idsOfProvider(provider: Provider): IdsOfProvider | null {
  return known.get(provider) ?? null;
}

/** True for a GET or DELETE whose path does not end with an id that it names: it is taken for a list. What a list names belongs to whoever it belonged to before. */
function isList({ method, path }: RequestHead, named: readonly string[]): boolean {
  const [last = ''] = (path.split('?', 1)[0] ?? '').split('/').slice(-1);
  return (method === 'GET' || method === 'DELETE') && !named.some((id) => id === last || id.endsWith(`/${last}`));
}

class GivenIdsReading implements AnswerReading {
  readonly #ids: IdsOfProvider;
  readonly #reading: AnswerReading;
  /** Ids that the answer does not give: the client named them, or they were noted already. */
  readonly #seen: Set<string>;
  #given: string[] = [];
  #tail = '';

  constructor(ids: IdsOfProvider, named: readonly string[], reading: AnswerReading) {
    this.#ids = ids;
    this.#seen = new Set(named);
    this.#reading = reading;
  }

  framer(head: ResponseHead): Framer | null {
    return this.#reading.framer(head);
  }

  head(head: ResponseHead): void {
    this.#given.push(...this.#ids.givenBy(head));
    this.#reading.head(head);
  }

  bytes(piece: Uint8Array): void {
    const text = this.#tail + asBuffer(piece).toString('latin1');
    // Nothing is searched again if a piece ends with the end of a line.
    this.#tail = text.slice(text.lastIndexOf('\n') + 1).slice(-tailCharactersMax);
    for (const id of this.#ids.givenIn(text)) {
      if (!this.#seen.has(id) && this.#seen.size < idsMax) {
        this.#seen.add(id);
        this.#given.push(id);
      }
    }
  }

  frame(frame: Frame): void {
    this.#reading.frame(frame);
  }

  finish(take: TakeElsewhere): Promise<void> | null {
    return this.#reading.finish?.(take) ?? null;
  }

  unreadable(): void {
    this.#reading.unreadable?.();
  }

  given(): GivenIds {
    const ids = this.#given;
    this.#given = [];
    return { ids, isNew: false };
  }

  facts(): Attributes {
    return this.#reading.facts();
  }

  firstBytes(seconds: number): Attributes {
    return this.#reading.firstBytes?.(seconds) ?? {};
  }

  notes(): readonly Note[] {
    return this.#reading.notes?.() ?? [];
  }
}

/** Undoes the percent encoding of an address, which may have been applied more than once. Letters of ids are ASCII: each other byte stands for itself. */
function decodePath(path: string): string {
  let decoded = path;
  for (let i = 0; i < pathDecodingsMax && decoded.includes('%'); i += 1) {
    decoded = decoded.replaceAll(/%([\da-f]{2})/gi, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16)));
  }
  return decoded;
}

/** The body without its content coding. Throws GatewayError `malformed` for a coding that cannot be undone here, because then the ids it names are not known. */
function readableBody(headers: Headers, body: Uint8Array): Buffer {
  const bytes = body.length === 0 ? Buffer.alloc(0) : undoCodings(headers, asBuffer(body));
  if (bytes === null) {
    throw new GatewayError(
      'malformed',
      'The content coding of the body cannot be undone here, so the ids in the body are not known. Send it without a content coding, or as gzip.',
    );
  }
  return bytes;
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function* textsOf(value: unknown): Generator<string> {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') {
      yield next;
    } else if (typeof next === 'object' && next !== null) {
      for (const [key, member] of Object.entries(next)) {
        open.push(key, member);
      }
    }
  }
}
