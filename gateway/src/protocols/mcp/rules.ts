import type { Attributes } from '../../domain/action.ts';
import type { AnswerReading, Note, RequestHead } from '../../exchange/reading.ts';
import type { ExchangeRules } from '../../exchange/rules.ts';
import { eventBytesMax, idsAreFor } from '../../exchange/target/http-options.ts';
import { targetCall } from '../../exchange/target/target-call.ts';
import type { AnswerFollower } from './answer.ts';
import { asksOf } from './asks.ts';
import { knownBody } from './attempts.ts';
import { ClaimsOfSessions } from './claims-of-sessions.ts';
import { failureAnswer, failureEvent } from './failures.ts';
import { withoutHeldState } from './held.ts';
import type { ToolsOfTargets } from './tools-of-targets.ts';
import { readRequest } from './reading.ts';
import { step } from './request-step.ts';
import { StdioCall } from './stdio-call.ts';
import type { ServersOfSessions } from './stdio-servers.ts';
import type { ToolList } from './tool-definitions.ts';

/** MCP over Streamable HTTP. Every message is read before it is decided on. */
export function makeRules(tools: ToolsOfTargets, servers: ServersOfSessions): ExchangeRules {
  const claims = new ClaimsOfSessions();
  return {
    isReadWhole: () => true,
    sessionHeader: 'mcp-session-id',
    withoutOwn: withoutHeldState,
    read: async (head, body, target, take) => {
      const bytes = body ?? new Uint8Array();
      const facts = await take(step, { head, body: bytes });
      const { action, answer, ids, ...rest } = readRequest(head, bytes, { facts, messageBytesMax: eventBytesMax(target) });
      const attributes = { ...action.attributes, ...tools.attributesOf(target.name, action), ...claims.attributesOf(target.name, action.attributes) };
      // A program belongs to one session, so its ids need no owner.
      const isFor = target.command === undefined ? idsAreFor(target) : null;
      return {
        ...rest,
        action: { ...action, attributes, known: () => [knownBody(bytes)], ...(isFor === null ? {} : { ids: { ids, isFor, strangePass: false } }) },
        answer: answerReading(head, answer, {
          areIdsKept: isFor !== null,
          begun: (answered) => {
            claims.learn(target.name, attributes, answered);
          },
          learn: (list) => tools.learn(target.name, list),
        }),
      };
    },
    call: (target) => targetCall(target),
    begin: (channel, call, receiver) => {
      const { command } = channel.target;
      return command === undefined ? channel.call(call, receiver) : new StdioCall({ channel, receiver, servers: () => servers.of(channel, command) });
    },
    failure: failureAnswer,
    lastEvent: failureEvent,
  };
}

interface Watching {
  /** True if the ids that the answer gives belong to the client. */
  readonly areIdsKept: boolean;
  /** Takes the facts of the answer as far as they are known. */
  readonly begun: (facts: Attributes) => void;
  /** Compares the tools that the answer lists with those that were listed before. */
  readonly learn: (list: ToolList | null) => readonly Note[];
}

/** Adds to the facts of an answer what the server asks in it. `request` is the head of the request that it answers. */
function answerReading(request: RequestHead, answer: AnswerFollower, { areIdsKept, begun, learn }: Watching): AnswerReading {
  return {
    isOver: () => answer.isOver(),
    framer: (head) => answer.framer(head),
    head: (head) => {
      answer.head(head);
    },
    frame: (frame) => {
      answer.frame(frame);
    },
    asks: (frame, head) => asksOf(request, frame, head),
    sent: answer.sent,
    finish: (take) => answer.finish(take),
    unreadable: () => {
      answer.unreadable();
    },
    facts: () => {
      const facts = answer.facts();
      begun(facts);
      return facts;
    },
    ...(areIdsKept ? { given: () => answer.given() } : {}),
    notes: () => learn(answer.toolList),
  };
}
