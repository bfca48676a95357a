import type { Attributes } from '../../domain/action.ts';
import type { CallHead, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import type { Channel } from '../../domain/channel.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { Upstream } from '../../domain/upstream.ts';
import type { FindParts, KnowMember } from '../../content/text-frame.ts';
import type { ClientHead } from '../client-response.ts';
import type { ClientResponse } from '../exchange.ts';
import type { AnswerReading, Headers, RequestHead, ResponseHead } from '../reading.ts';
import type { TakeElsewhere } from '../step.ts';
import { eventBytesMax } from '../target/http-options.ts';
import { AnswerFacts } from './answer-facts.ts';
import { AnswerGuard } from './answer-guard.ts';
import { throughStages, type AnswerStage } from './answer-stage.ts';
import { BegunAnswer, withoutHead } from './begun-answer.ts';
import { ChangedAnswer, type ChangedAnswerParts } from './changed-answer.ts';
import { CredentialCheck } from './credential-check.ts';
import { DecodedAnswer } from './decoded-answer.ts';
import { LookedAnswer } from './looked-answer.ts';
import { JoinedAnswer } from './joined-answer.ts';
import { DirectUrls, type OwnUrls } from './own-urls.ts';
import { RecordedAnswer } from './recorded-answer.ts';
import { ReleasedAnswer } from './released-answer.ts';
import { SentAnswer } from './sent-answer.ts';
import { Screening } from './screening.ts';
import { UrlRewriting } from './url-rewriting.ts';

export interface PipelineParts {
  readonly channel: Channel;
  readonly response: ClientResponse;
  /** Sequence number of the request's record. */
  readonly request: number;
  /** The gateway's own headers. */
  readonly ownHeaders: Headers;
  /** True if the gateway added a credential of its own to the request. */
  readonly givesCredential: boolean;
  readonly urls: OwnUrls;
  /** The members of a JSON body in which the target gives its own addresses. */
  readonly urlMembers: readonly string[];
  readonly reading: AnswerReading;
  /** The head of the stream of events that the client has already, because its request was held. Null: the answer begins with the target's. */
  readonly begun: ClientHead | null;
  /** The changes to make in the texts of the answer, and the looks at them. */
  readonly changes: readonly TextChange[];
  /** Finds texts that come in several pieces. Null: the protocol has none. */
  readonly findParts: FindParts | null;
  /** True if a member of a JSON answer of which a change leaves nothing may be null. */
  readonly takesNull: boolean;
  /** See `RequestReading`. */
  readonly areLines: boolean;
  /** See `RequestReading`. */
  readonly knowMember: KnowMember | undefined;
  readonly take: TakeElsewhere;
  /** Begins a call to the same target. */
  readonly begin: (receiver: CallReceiver) => UpstreamCall;
  readonly compose: (head: RequestHead, framing: Headers) => CallHead;
  readonly onUpgrade: (answered: Headers, upstream: Upstream) => void;
  readonly onError: (error: unknown) => void;
  /** Called when the call can take more bytes of the request. */
  readonly onDrain: () => void;
}

export interface AnswerPipeline {
  /** Receives the answer from the target. */
  readonly receiver: CallReceiver;
  /** Sets the call to which the answer belongs. */
  attach(call: UpstreamCall): void;
  /** Stops: nothing more is read, recorded or released. */
  stop(): void;
  /** Has the facts of an answer that is cut off, as far as it came. */
  readonly facts: AnswerFacts;
  /** Returns the head of the answer, if another event may be appended to what was released and recorded of it; otherwise null. */
  openHead(): ResponseHead | null;
  /** Resolves when the target has taken the answers that the stages sent to it. */
  settled(): Promise<void>;
}

/**
 * Puts together the stages of one answer. A stage that nothing asks for is left out: what it would receive goes to the next one as it is.
 *
 *     target
 *       ▼  DecodedAnswer     undoes a content coding                                 if ChangedAnswer or Screening is there
 *       ▼  CredentialCheck   holds back an answer that refuses the credential        if the gateway gave a credential of its own
 *       ▼  UrlRewriting      leads the target's own addresses through the gateway    always; holds JSON if the protocol names members
 *       ▼  LookedAnswer      looks at texts                                          if the target is inspected
 *       ▼  SentAnswer        reads the answer as it was sent                         if an obligation says so, and the protocol reads it
 *       ▼  ChangedAnswer     changes texts                                           if an obligation says so
 *       ▼  Screening         has decided what the target asks of the client          if the protocol finds what it asks
 *       ▼  BegunAnswer       makes the answer the rest of a stream of events          if the client has its beginning, because the request was held
 *       ▼  JoinedAnswer      joins what arrives together into one piece              always, and from here on piece by piece
 *       ▼  AnswerFacts       finds the facts                                         always
 *       ▼  RecordedAnswer    makes one record of the piece                           always
 *       ▼  ReleasedAnswer    writes the piece once its record is committed           always
 *     client
 */
export function openAnswerPipeline(parts: PipelineParts): AnswerPipeline {
  const { channel, response, request, ownHeaders, urls, reading, take, changes, findParts, begin, compose, onUpgrade, onError, onDrain } = parts;
  const looks = changes.filter(({ look }) => look !== undefined);
  const masks = changes.filter(({ look }) => look === undefined);
  const textParts: Omit<ChangedAnswerParts, 'changes'> = {
    frameBytesMax: eventBytesMax(channel.target),
    findParts,
    takesNull: parts.takesNull,
    areLines: parts.areLines,
    ...(parts.knowMember === undefined ? {} : { knowMember: parts.knowMember }),
    run: (act) => {
      guard.run(act);
    },
    onWaiting: (bytes) => {
      released.waitEarlier(bytes);
    },
  };
  const isScreened = reading.asks !== undefined;
  const direct = new DirectUrls(urls);
  const guard = new AnswerGuard(onError);
  let rewriting: UrlRewriting | null = null;
  let screening: Screening | null = null;
  let looked: LookedAnswer | null = null;
  const released = new ReleasedAnswer({ channel, response, ownHeaders, guard, begun: parts.begun });
  const stages: AnswerStage[] = [];
  if (isScreened || masks.length > 0) {
    stages.push((next) => new DecodedAnswer(next));
  }
  if (parts.givesCredential) {
    stages.push((next) => new CredentialCheck({ channel, request, changes: masks }, next));
  }
  stages.push((next) => (rewriting = new UrlRewriting({ urls, members: parts.urlMembers, direct, tellsDigests: masks.length === 0, take }, next)));
  if (looks.length > 0) {
    stages.push((next) => (looked = new LookedAnswer({ ...textParts, changes: looks }, next)));
  }
  const { sent = null } = reading;
  if (masks.length > 0 && sent !== null) {
    stages.push((next) => new SentAnswer(sent, next));
  }
  if (masks.length > 0) {
    stages.push((next) => new ChangedAnswer({ ...textParts, changes: masks }, next));
  }
  if (isScreened) {
    stages.push((next) => (screening = new Screening({ channel, request, reading, take, begin, compose }, next)));
  }
  if (parts.begun !== null) {
    stages.push((next) => new BegunAnswer(next, eventBytesMax(channel.target)));
  }
  const recorded = new RecordedAnswer(channel, request, released);
  const headFacts = (): Attributes => rewriting?.facts() ?? {};
  const facts = new AnswerFacts({ channel, reading, direct, headFacts, take, guard, onError }, parts.begun === null ? recorded : withoutHead(recorded));
  const joined = new JoinedAnswer({ response, guard, onUpgrade, onError, onDrain }, facts);
  return {
    receiver: throughStages(stages, joined),
    attach: (call) => {
      released.attach(call);
    },
    stop: () => {
      guard.stop();
      looked?.breakOff();
    },
    facts,
    openHead: () => released.openHead,
    settled: async () => screening?.settled(),
  };
}
