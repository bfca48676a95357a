import { GatewayError } from '../../domain/errors.ts';
import type { Body, JsonObject, Message } from './messages.ts';
import { isObject } from './messages.ts';

/** The first revision without sessions: each message contains all that it needs, and headers repeat parts of the body. */
const statelessRevision = '2026-07-28';
/** The only revision with batches. It is assumed if a client names no revision. */
const batchRevision = '2025-03-26';
const revisions = [batchRevision, '2025-06-18', '2025-11-25', statelessRevision];

const revisionForm = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const sessionIdForm = /^[\x21-\x7e]{1,256}$/;

const versionKey = 'io.modelcontextprotocol/protocolVersion';

export interface Revision {
  /** The name of the revision; null if the client names none. */
  readonly name: string | null;
  readonly isStateless: boolean;
}

/** Returns the revision that the client names in its header; it must agree with the body. Throws GatewayError `unsupported` for an unknown revision. */
export function revisionOf(header: string | null, body: Body | null): Revision {
  if (header !== null && !revisions.includes(header)) {
    throw new GatewayError('unsupported', `This revision of MCP is not let through; these are: ${revisions.join(', ')}.`);
  }
  const messages = body?.messages ?? [];
  if (messages.map(claimedRevision).some((claimed) => claimed !== null && claimed !== header)) {
    throw new GatewayError('malformed', `The header mcp-protocol-version does not say what the message says in ${versionKey}.`);
  }
  const isStateless = isStatelessRevision(header);
  if (body?.isBatch === true && (header ?? batchRevision) !== batchRevision) {
    throw new GatewayError('unsupported', `Revision ${header} of MCP has no batches: send the messages one by one.`);
  }
  if (isStateless && messages.some(({ kind }) => kind === 'result' || kind === 'failure')) {
    throw new GatewayError('unsupported', `Revision ${statelessRevision} of MCP has no answers of the client: repeat the request with its inputResponses.`);
  }
  return { name: header ?? requestedRevision(messages), isStateless };
}

export function isStatelessRevision(header: string | null | undefined): boolean {
  return header === statelessRevision;
}

/**
 * Returns the revision that a message names in its `_meta`, as messages do from the revision without sessions on. Null if it names none, empty if that is no
 * text.
 */
export function claimedRevision(message: Message): string | null {
  const meta = 'params' in message ? message.params['_meta'] : null;
  const claimed = isObject(meta) ? meta[versionKey] : undefined;
  return claimed === undefined ? null : typeof claimed === 'string' ? claimed : '';
}

/** Returns the revision that `initialize` asks for; the server may answer with another one. Null for any other message. */
function requestedRevision(messages: readonly Message[]): string | null {
  const [first] = messages;
  return first !== undefined && 'method' in first && first.method === 'initialize' ? revisionIn(first.params) : null;
}

/** Returns the revision in the parameters or the result of `initialize`. Null unless it has the form of a date. */
export function revisionIn({ protocolVersion }: JsonObject): string | null {
  return typeof protocolVersion === 'string' && revisionForm.test(protocolVersion) ? protocolVersion : null;
}

/** True for visible ASCII of limited length. */
export function isSessionId(text: string): boolean {
  return sessionIdForm.test(text);
}
