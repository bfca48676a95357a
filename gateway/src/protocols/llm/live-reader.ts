import type { Action, Attributes, IdOwner } from '../../domain/action.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Problem } from '../../exchange/problem.ts';
import type { HeardMessage, RequestHead, SocketReader } from '../../exchange/reading.ts';
import type { TakeStep } from '../../exchange/step.ts';
import { joinPayloads } from '../../exchange/websocket/websocket-frames.ts';
import { actionText } from './action-text.ts';
import { AnswerDraft } from './answer-draft.ts';
import { keptForFacts } from './answer.ts';
import { parseBody, unknownName } from './model-request.ts';
import { effectsOf } from './effects.ts';
import type { IdsOfProvider } from './given-ids.ts';
import { type JsonObject, jsonText, parseObject } from './json.ts';
import type { LiveShape } from './live-shape.ts';
import { type LiveSaid, readLive, step } from './live-step.ts';
import { findParts } from './streamed-texts.ts';
import { shortened } from './shortened.ts';
import { tokensOf } from './tokens-of.ts';
import type { Message } from './transcript.ts';

/** Most answers of one connection that are followed at the same time. If there are more, the facts of the oldest are forgotten. */
const lanesMax = 64;
const laneCharactersMax = 1024;
/** Most ids that are remembered because they need not be told again. */
const seenMax = 1_000;
/** Most ids that are noted from one message; further ids are left out. */
const givenMax = 1_000;

/** The attributes of a message that hold for later messages of the connection too, and most values of each. */
const settings = [ownAttributes.serverTools, ownAttributes.providerContext];
const settingsMax = 2048;

export interface LiveFacts {
  /** The head of the request that opened the connection. */
  readonly head: RequestHead;
  readonly shape: LiveShape;
  /** The attributes of the request that opened the connection. They hold for each message. */
  readonly attributes: Attributes;
  /** Finds the ids in messages. Null: ids are not bound to an owner. */
  readonly ids: IdsOfProvider | null;
  readonly isFor: IdOwner | null;
  /** Most bytes of a message of the target that is read for facts. */
  readonly heardBytesMax: number;
}

/** Reads one connection to a model. Each message of the client is a request. The facts of an answer are given with the message that completes it. */
export class LiveReader implements SocketReader {
  readonly findParts = findParts;

  readonly #facts: LiveFacts;
  readonly #lanes = new Map<string, AnswerDraft>();
  /** Ids that the client named or the target gave before. */
  readonly #seen = new Set<string>();
  #asked: JsonObject | null = null;
  /** The model that the client asked for in a message, if it did. */
  #askedModel: Attributes = {};
  #settings: Attributes = {};
  #model: string | undefined;
  #unread = 0;
  /** Characters of the client's newest message; and of those that went to the target, and of ended answers, since the target last said how many tokens it counted. */
  #newestCharacters = 0;
  #askedCharacters = 0;
  #saidCharacters = 0;

  constructor(facts: LiveFacts) {
    this.#facts = facts;
  }

  ask(payload: Buffer): Action {
    const { shape, ids } = this.#facts;
    this.#asked = null;
    const message = parseBody(payload);
    this.#asked = message;
    return this.#actionOf(readLive(shape, ids, message, payload), () => shape.messages(message));
  }

  async askLong(frames: Buffer, take: TakeStep): Promise<Action> {
    const { head, shape, ids } = this.#facts;
    this.#asked = null;
    const said = await take(step, { head, body: frames, ids: ids?.provider ?? null });
    this.#asked = said.echoed;
    return this.#actionOf(said, () => shape.messages(parseBody(joinPayloads(frames))));
  }

  #actionOf({ name, parameters, content, characters, named }: LiveSaid, messages: () => readonly Message[]): Action {
    const { attributes, isFor } = this.#facts;
    const model = parameters['gen_ai.request.model'];
    this.#askedModel = model === undefined ? this.#askedModel : { 'gen_ai.request.model': model };
    named?.forEach(this.#isNew);
    this.#newestCharacters = characters;
    const asked: Attributes = { ...attributes, ...this.#askedModel, ...parameters, ...this.#settingsWith(parameters), ...content };
    return {
      name,
      attributes: { ...asked, [ownAttributes.effects]: effectsOf(name !== unknownName, asked) },
      ...(name === unknownName ? {} : { text: () => actionText(messages()) }),
      // A target does not give an id by repeating one that the client named.
      ...(named === null || isFor === null ? {} : { ids: { ids: named, isFor, strangePass: true } }),
    };
  }

  /** Returns the tools of the provider and the stored prompts that are in force with a message. None of the connection is forgotten, even if a message takes it back. */
  #settingsWith(parameters: Attributes): Attributes {
    if (!this.#facts.shape.keepsSettings) {
      return {};
    }
    for (const name of settings) {
      const [before = [], more = []] = [this.#settings[name], parameters[name]];
      const all = new Set([before, more].flat());
      if (all.size > settingsMax) {
        throw new GatewayError('limit_exceeded', `The messages of one connection name more than ${settingsMax} tools of the provider.`);
      }
      if (all.size > 0) {
        this.#settings = { ...this.#settings, [name]: [...all].map(String) };
      }
    }
    return this.#settings;
  }

  passed(): void {
    this.#askedCharacters += this.#newestCharacters;
    this.#newestCharacters = 0;
  }

  hear(payload: Buffer): HeardMessage {
    const text = payload.length > this.#facts.heardBytesMax ? '' : payload.toString();
    const event = parseObject(text);
    if (event === null) {
      this.#unread += 1;
      return { attributes: {} };
    }
    const given = this.#givenIn(event, text);
    return { attributes: this.#read(event), ...(given.length === 0 ? {} : { given: { ids: given, isNew: false } }) };
  }

  /** Estimates the tokens of answers that have begun and that the target has not counted, as `ServedAnswer` does over HTTP. */
  left(): Attributes {
    const drafts = [...this.#lanes.values()];
    this.#lanes.clear();
    if (this.#saidCharacters === 0 && !drafts.some(hasBegun)) {
      return {};
    }
    const ofDrafts = drafts.map((draft) => Math.max(0, tokensOf(draft.said) - Number(draft.facts()['gen_ai.usage.output_tokens'] ?? 0)));
    const tokens = ofDrafts.reduce((sum, each) => sum + each, tokensOf(this.#askedCharacters) + tokensOf(this.#saidCharacters));
    this.#saidCharacters = 0;
    return tokens === 0 ? {} : { [ownAttributes.estimatedTokens]: tokens };
  }

  refusal(problem: Problem): string | null {
    const words = this.#facts.shape.refusal(problem, this.#asked);
    return words === null ? null : jsonText(words);
  }

  /** The new ids that a message of the target gives. An id that the client named before is not given by repeating it. */
  #givenIn(event: JsonObject, text: string): readonly string[] {
    const { shape, ids } = this.#facts;
    if (ids === null) {
      return [];
    }
    const given = shape.handlesGiven(event).filter(this.#isNew);
    for (const id of shape.keepsNothing ? [] : ids.givenIn(text)) {
      if (given.length >= givenMax) {
        break;
      }
      if (this.#isNew(id)) {
        given.push(id);
      }
    }
    return given;
  }

  readonly #isNew = (id: string): boolean => {
    if (this.#seen.has(id)) {
      return false;
    }
    const [oldest] = this.#seen;
    if (this.#seen.size >= seenMax && oldest !== undefined) {
      this.#seen.delete(oldest);
    }
    this.#seen.add(id);
    return true;
  };

  #read(event: JsonObject): Attributes {
    const { shape } = this.#facts;
    this.#model = shape.modelOf(event) ?? this.#model;
    const lane = shortened(shape.laneOf(event), laneCharactersMax);
    const draft = this.#lanes.get(lane) ?? new AnswerDraft(keptForFacts);
    const progress = shape.read(event, draft);
    if (progress === 'counts') {
      // The tokens are told with this message, and so not again with the end of the answer.
      draft.forgetUsage();
      const counted = new AnswerDraft(keptForFacts);
      shape.read(event, counted);
      return this.#counted(counted.facts());
    }
    if (progress === 'goes on') {
      const [oldest] = this.#lanes.keys();
      if (this.#lanes.size >= lanesMax && oldest !== undefined && !this.#lanes.has(lane)) {
        this.#lanes.delete(oldest);
      }
      this.#lanes.set(lane, draft);
      return {};
    }
    this.#lanes.delete(lane);
    const lost = this.#unread + draft.lost;
    const unread = lost + draft.cut;
    this.#unread = 0;
    const facts = this.#counted(draft.facts(), draft.said);
    return {
      ...(this.#model === undefined ? {} : { 'gen_ai.response.model': this.#model }),
      ...facts,
      ...(unread === 0 ? {} : { [ownAttributes.unreadEvents]: unread }),
      ...(lost === 0 ? {} : { [ownAttributes.isWhole]: false }),
    };
  }

  /** Takes note of whether facts say how many tokens were used; `said` is the number of characters that they are about. */
  #counted(facts: Attributes, said = 0): Attributes {
    this.#saidCharacters = facts['gen_ai.usage.output_tokens'] === undefined ? this.#saidCharacters + said : 0;
    this.#askedCharacters = facts['gen_ai.usage.input_tokens'] === undefined ? this.#askedCharacters : 0;
    return facts;
  }
}

/** True if an answer has an id or a text. Messages that belong to no answer are drafts too. */
function hasBegun(draft: AnswerDraft): boolean {
  return draft.said > 0 || draft.facts()['gen_ai.response.id'] !== undefined;
}
