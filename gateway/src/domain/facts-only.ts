import type { Attributes } from './action.ts';
import type { ContextField } from './context-field.ts';
import type { Obligation } from './decision.ts';
import { ownAttributes } from './own-attributes.ts';

/** The kind of the obligation to keep the facts of an act and not its content. The channel carries it out, so there is no control of this kind. */
export const recordKind = 'record';

/**
 * The attributes that are facts: what was done, to what, by whom, how much and with which outcome. Every other attribute may hold something that was said, or a
 * digest by which a short text can be guessed. It counts as content and is not kept where policy keeps the facts alone.
 */
const facts = [
  ownAttributes.answer,
  ownAttributes.approvalAskedRecord,
  ownAttributes.approvalAskedSession,
  ownAttributes.approvalBreakGlass,
  ownAttributes.approvalBy,
  ownAttributes.approvalEstimatedRows,
  ownAttributes.approvalEstimates,
  ownAttributes.approvalGrantedBy,
  ownAttributes.approvalGrantedNotes,
  ownAttributes.approvalGrantedRecords,
  ownAttributes.approvalGrantedTimes,
  ownAttributes.approvalGroups,
  ownAttributes.approvalId,
  ownAttributes.approvalNote,
  ownAttributes.approvalRecord,
  ownAttributes.approvalSession,
  ownAttributes.approvalState,
  ownAttributes.argumentsFit,
  ownAttributes.askedBy,
  ownAttributes.askedWithin,
  ownAttributes.begunBytes,
  ownAttributes.bind,
  ownAttributes.carried,
  ownAttributes.carries,
  ownAttributes.classes,
  ownAttributes.clientClaims,
  ownAttributes.clientEncoding,
  ownAttributes.durationMs,
  ownAttributes.effects,
  ownAttributes.fileReadBytes,
  ownAttributes.fileReadRanges,
  ownAttributes.fileWrittenBytes,
  ownAttributes.fileWrittenRanges,
  ownAttributes.firstByteMs,
  ownAttributes.followed,
  ownAttributes.followedIsCut,
  ownAttributes.inputResponses,
  ownAttributes.inspected,
  ownAttributes.isWhole,
  ownAttributes.leak,
  ownAttributes.masked,
  ownAttributes.namedRecords,
  ownAttributes.namesAreSure,
  ownAttributes.onBehalfOf,
  ownAttributes.outcome,
  ownAttributes.parse,
  ownAttributes.estimatedTokens,
  ownAttributes.partRows,
  ownAttributes.principal,
  ownAttributes.request,
  ownAttributes.serverRequests,
  ownAttributes.severity,
  ownAttributes.skipped,
  ownAttributes.target,
  ownAttributes.task,
  ownAttributes.told,
  ownAttributes.toolDigestAfter,
  ownAttributes.toolDigestBefore,
  ownAttributes.toolDigests,
  ownAttributes.tools,
  ownAttributes.traceparent,
  ownAttributes.unreadEvents,
  ownAttributes.unreadMessages,
  ownAttributes.unreadTools,
  ownAttributes.websocketFinal,
  ownAttributes.websocketOffset,
  ownAttributes.websocketOpcode,
  'db.namespace',
  'db.response.returned_rows',
  'db.response.status_code',
  'db.system.name',
  'error.type',
  'gen_ai.conversation.id',
  'gen_ai.operation.name',
  'gen_ai.request.choice.count',
  'gen_ai.request.encoding_formats',
  'gen_ai.request.seed',
  'gen_ai.request.temperature',
  'gen_ai.request.top_k',
  'gen_ai.request.top_p',
  'gen_ai.response.finish_reasons',
  'gen_ai.response.id',
  'gen_ai.response.model',
  'gen_ai.response.time_to_first_chunk',
  'gen_ai.tool.call.id',
  'gen_ai.tool.name',
  'gen_ai.usage.cache_creation.input_tokens',
  'gen_ai.usage.cache_read.input_tokens',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.reasoning.output_tokens',
  'http.request.method',
  'http.response.status_code',
  'jsonrpc.request.id',
  'rpc.response.status_code',
  'user.name',
] as const;

/** Returns the names of the attributes that are facts: for a protocol, also those of which its policies may speak. */
export function factNames(fields: readonly ContextField[] = []): ReadonlySet<string> {
  return new Set([...facts, ...fields.flatMap(({ attribute, isContent = false }) => (isContent ? [] : [attribute]))]);
}

/** Returns a function that gives the names for each of these protocols. */
export function factNamesOf(
  protocols: readonly { readonly id: string; readonly context: readonly ContextField[] }[],
): (protocol: string) => ReadonlySet<string> {
  const byProtocol = new Map(protocols.map(({ id, context }) => [id, factNames(context)]));
  const others = factNames();
  return (protocol) => byProtocol.get(protocol) ?? others;
}

/** Returns the names of the attributes that are facts whatever the protocol: those that no protocol takes for content. */
export function factNamesOfAll(protocols: readonly { readonly context: readonly ContextField[] }[]): ReadonlySet<string> {
  const fields = protocols.flatMap(({ context }) => context);
  const contents = new Set(fields.flatMap(({ attribute, isContent = false }) => (isContent ? [attribute] : [])));
  return new Set([...factNames(fields)].filter((name) => !contents.has(name)));
}

/** Returns the facts among the attributes, and the number of bytes of the content that is not kept. */
export function factsAmong(attributes: Attributes, names: ReadonlySet<string>, contentBytes: number): Attributes {
  const kept = Object.entries(attributes).filter(([name]) => names.has(name));
  return { ...Object.fromEntries(kept), ...(contentBytes === 0 ? {} : { [ownAttributes.contentBytes]: contentBytes }) };
}

/** Returns the obligations that say that only the facts of an act are kept. None: its content is kept too. */
export function recordObligations(obligations: readonly Obligation[]): readonly Obligation[] {
  return obligations.filter(({ kind }) => kind === recordKind);
}
