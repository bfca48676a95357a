import type { Attributes } from '../../domain/action.ts';
import type { CallHead, CallReceiver, UpstreamCall } from '../../domain/call.ts';
import type { Channel } from '../../domain/channel.ts';
import type { TextChange } from '../../domain/text-change.ts';
import type { FindParts } from '../../content/text-frame.ts';
import type { AnswerScreen, Headers, RequestHead } from '../reading.ts';
import type { TakeElsewhere } from '../step.ts';
import { eventBytesMax } from '../target/http-options.ts';
import { throughStages, type AnswerStage } from './answer-stage.ts';
import { ChangedAnswer } from './changed-answer.ts';
import { CredentialCheck } from './credential-check.ts';
import { DecodedAnswer } from './decoded-answer.ts';
import type { DirectUrls, OwnUrls } from './own-urls.ts';
import { Screening } from './screening.ts';
import { UrlRewriting } from './url-rewriting.ts';

export interface PipelineParts {
  readonly channel: Channel;
  /** Sequence number of the request's record. */
  readonly request: number;
  /** True if the gateway added a credential of its own to the request. */
  readonly givesCredential: boolean;
  readonly urls: OwnUrls;
  readonly direct: DirectUrls;
  /** The members of a JSON body in which the target gives its own addresses. */
  readonly urlMembers: readonly string[];
  /** Present if the target may ask something of the client in the answer. */
  readonly screen: AnswerScreen | undefined;
  /** The changes to make in the texts of the answer. */
  readonly changes: readonly TextChange[];
  /** Finds texts that come in several pieces. Null: the protocol has none. */
  readonly findParts: FindParts | null;
  readonly take: TakeElsewhere;
  /** Begins a call to the same target. */
  readonly begin: (receiver: CallReceiver) => UpstreamCall;
  readonly compose: (head: RequestHead, framing: Headers) => CallHead;
}

export interface AnswerPipeline {
  /** Receives the answer from the target. */
  readonly receiver: CallReceiver;
  /** Returns attributes for the record of the answer's head, which say what the stages changed in it. */
  headFacts(): Attributes;
  /** Resolves when the target has taken the answers that the stages sent to it. */
  settled(): Promise<void>;
}

/**
 * Puts together the stages of one answer, before `last`. A stage that nothing asks for is left out: what it would receive goes to the next one as it is.
 *
 *     target
 *       ▼  DecodedAnswer     undoes a content coding                                 if ChangedAnswer or Screening is there
 *       ▼  CredentialCheck   holds back an answer that refuses the credential        if the gateway gave a credential of its own
 *       ▼  UrlRewriting      leads the target's own addresses through the gateway    always; holds JSON if the protocol names members
 *       ▼  ChangedAnswer     changes texts                                           if an obligation says so
 *       ▼  Screening         has decided what the target asks of the client          if the protocol gives a screen
 *       ▼  AnswerRelay       finds facts, records, then releases                     always; it is `last`
 *     client
 */
export function openAnswerPipeline(parts: PipelineParts, last: CallReceiver): AnswerPipeline {
  const { channel, request, urls, direct, take, screen, changes, findParts, begin, compose } = parts;
  let rewriting: UrlRewriting | null = null;
  let screening: Screening | null = null;
  const stages: AnswerStage[] = [];
  if (screen !== undefined || changes.length > 0) {
    stages.push((next) => new DecodedAnswer(next));
  }
  if (parts.givesCredential) {
    stages.push((next) => new CredentialCheck({ channel, request, changes }, next));
  }
  stages.push((next) => (rewriting = new UrlRewriting({ urls, members: parts.urlMembers, direct, take }, next)));
  if (changes.length > 0) {
    stages.push((next) => new ChangedAnswer({ changes, frameBytesMax: eventBytesMax(channel.target), findParts }, next));
  }
  if (screen !== undefined) {
    stages.push((next) => (screening = new Screening({ channel, request, screen, take, begin, compose }, next)));
  }
  return {
    receiver: throughStages(stages, last),
    headFacts: () => rewriting?.facts() ?? {},
    settled: async () => screening?.settled(),
  };
}
