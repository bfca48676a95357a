import type { Told } from '../../domain/protocol.ts';
import type { AnswerReader } from '../../exchange/reading.ts';
import type { ExchangeRules } from '../../exchange/rules.ts';
import { eventBytesMax, idsAreFor, targetCall } from '../../exchange/target/target-options.ts';
import type { AnswerFollower } from './answer.ts';
import { McpScreen } from './answer-screen.ts';
import { failureAnswer, failureEvent } from './failures.ts';
import { ToolsOfTargets } from './known-tools.ts';
import { readRequest } from './reading.ts';
import { step } from './request-step.ts';
import { StdioCall } from './stdio-call.ts';
import { ServersOfSessions } from './stdio-servers.ts';

const tools = new ToolsOfTargets();
const servers = new ServersOfSessions();

/** MCP over Streamable HTTP: every message is read before it is decided. */
export const rules: ExchangeRules = {
  isReadWhole: () => true,
  read: async (head, body, target, take) => {
    const bytes = body ?? new Uint8Array();
    const facts = await take(step, { head, body: bytes });
    const { action, answer, ids, ...rest } = readRequest(head, bytes, { facts, messageBytesMax: eventBytesMax(target) });
    const attributes = { ...action.attributes, ...tools.attributesOf(target.name, action) };
    // A program is one session's alone.
    const isFor = target.command === undefined ? idsAreFor(target) : null;
    return {
      ...rest,
      action: { name: action.name, attributes, ...(isFor === null ? {} : { ids: { ids, isFor, strangePass: false } }) },
      answer: watchTools(target.name, answer, isFor !== null),
      screen: new McpScreen(head, eventBytesMax(target)),
    };
  },
  call: (target) => targetCall(target),
  begin: (session, call, receiver) => {
    const { command } = session.target;
    return command === undefined ? session.call(call, receiver) : new StdioCall({ session, receiver, servers: () => servers.of(session, command) });
  },
  failure: failureAnswer,
  lastEvent: failureEvent,
};

/** Takes over the digests of the targets' tools that were recorded before this start. */
export function recallTools(told: readonly Told[]): void {
  tools.recall(told);
}

function watchTools(target: string, answer: AnswerFollower, areIdsKept: boolean): AnswerReader {
  return {
    get isBetweenEvents() {
      return answer.isBetweenEvents;
    },
    head: (head) => {
      answer.head(head);
    },
    bytes: (piece) => {
      answer.bytes(piece);
    },
    unreadable: () => {
      answer.unreadable();
    },
    facts: () => answer.facts(),
    ...(areIdsKept ? { given: () => answer.given() } : {}),
    notes: () => tools.learn(target, answer.toolList),
  };
}
