import { refusalOf } from '../domain/decision.ts';
import { challenges } from './token-header.ts';
import { claimedIn } from './claimed-headers.ts';
import type { Action } from '../domain/action.ts';
import { readHoldMode } from '../domain/approval.ts';
import { GatewayError } from '../domain/errors.ts';
import type { CallHead, CallReceiver, UpstreamCall } from '../domain/call.ts';
import type { Exchange } from './exchange.ts';
import type { Grant } from '../domain/grant.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { problemOf, retryHeaders } from './problem.ts';
import type { Steps } from '../domain/step.ts';
import type { Target } from '../domain/target.ts';
import type { Slices, TextChange } from '../domain/text-change.ts';
import { traceFact } from '../domain/trace-context.ts';
import type { Channel, HeldNotice, RequestChange, RequestRelation } from '../domain/channel.ts';
import type { Door } from '../domain/door.ts';
import type { Upstream } from '../domain/upstream.ts';
import { Connection } from '../wire/connection.ts';
import { runRelay } from '../wire/relay-loop.ts';
import { untilCommitted } from '../wire/until-committed.ts';
import { codingOf, undoCodings } from '../content/codings.ts';
import { trailersAttribute } from './answer/answer-facts.ts';
import { openAnswerPipeline, type AnswerPipeline } from './answer/answer-pipeline.ts';
import { inTurns } from '../content/in-turns.ts';
import { changeRequest, type ChangedRequest } from './changed-request.ts';
import { breakOff, endEarly, endOnError, endWith, onceClosed, wasCut, writeContinue } from './client-response.ts';
import { composeRequestHead, composeResponseHead, composeTrailers } from './head.ts';
import {
  assertNoForeignPage,
  inertInBrowsers,
  endToEndRequest,
  endToEndTrailers,
  forWholeAnswer,
  pairHeaders,
  readToken,
  takeTokens,
  withBody,
  withoutBody,
  withoutCoding,
} from './headers.ts';
import { OwnUrls, ownUrlsOf } from './answer/own-urls.ts';
import { normalizePath } from './path.ts';
import { headerOf, joinedHeaderOf, noAnswerReading, type Headers, type HeldForms, type RequestHead, type RequestReading } from './reading.ts';
import { RequestBody } from './request-body.ts';
import type { ExchangeRules, Failed, Failure, TargetCall } from './rules.ts';
import { shortBytes, type TakeElsewhere, type TakeStep } from './step.ts';
import { WaitingAnswer } from './waiting-answer.ts';
import { acceptedHeaders, openingHeaders } from './websocket/websocket-handshake.ts';
import { WebSocketRelay, type WebSocketFacts } from './websocket/websocket-relay.ts';

/** A body with an announced length of at most this many bytes is in one record with the head of its request. */
const smallBodyBytes = 64 * 1024;
/** Most bytes that are recorded of the body of a request that cannot be read. */
const unreadBytesMax = 512 * 1024;
/**
 * After a failure, the gateway's last words to a client wait at most this long in ms for their record. An event at the end of an answer waits as long for the
 * client.
 */
const lastWordsMs = 1_000;
/** The header in which a client says how it wants to learn the outcome of a held request: `wait` or `return`. */
const holdHeader = 'countersign-hold';
/** Matches headers that differ in each attempt to send the same request: traces, counters and times of attempts, the key of a WebSocket, the length of a body that is compared itself. */
const attemptHeaders =
  /^(?:traceparent|tracestate|content-length|sec-websocket-key|x-stainless-retry-count|x-amz-date|amz-sdk-request|amz-sdk-invocation-id):/i;
/** Most bytes of a decoded body in which values are looked for. */
const decodedBytesMax = 4 * 1024 * 1024;
const noBytes = Buffer.alloc(0);
/** The action of a request that cannot be read. */
const unknownAction: Action = { name: 'unknown', attributes: {} };
/** The header of an answer with status 426. It names the protocol to use instead (RFC 9110, 15.5.22). */
const goOnIn: Headers = [['upgrade', 'HTTP/1.1']];
const chunked: Headers = [['transfer-encoding', 'chunked']];

/**
 * Serves one HTTP request, in the same way for all protocols over HTTP. The client proves who it is; the request is decided on and
 * recorded, then forwarded; the answer is recorded, then released. Resolves when the client's response is closed. Rejects only with an error
 * that is a bug.
 */
export async function serveExchange(exchange: Exchange, door: Door, rules: ExchangeRules, steps: Steps): Promise<void> {
  await new ExchangeRun(exchange, door, rules, steps).run();
}

interface Allowed {
  readonly grant: Grant;
  readonly seq: number;
  readonly changes: readonly TextChange[];
}

/** A request as its client sent it. */
interface AskedRequest {
  readonly head: RequestHead;
  /** Null: the body is forwarded as it comes. */
  readonly body: Buffer | null;
  readonly isReadWhole: boolean;
}

/** A request as it is decided on. */
interface UnderstoodRequest extends ChangedRequest {
  readonly reading: RequestReading;
  /** The change that its texts have gone through. */
  readonly change: RequestChange | null;
  /** Policy has named obligations for it. */
  readonly isObliged: boolean;
}

class ExchangeRun {
  readonly #exchange: Exchange;
  readonly #door: Door;
  readonly #rules: ExchangeRules;
  readonly #steps: Steps;
  readonly #closed = Promise.withResolvers<void>();
  #channel: Channel | null = null;
  #token = '';
  #head: RequestHead;
  /** The headers as the client sent them. */
  #clientHeaders: Headers = [];
  /** The body if it is short and was read whole. */
  #body: Uint8Array | null = null;
  #answerTo: string | null = null;
  /** Says which members of the request's JSON are of a class. Undefined: none is, or the request is not read. */
  #knowMember: RequestReading['knowMember'] = undefined;
  /** The forms in which the client is told that its request is held and waits. */
  #heldForms: HeldForms = {};
  /** True if the client has waited for people. */
  #hasWaited = false;
  /** The beginning of the answer, if the client is told while it waits. */
  #waiting: WaitingAnswer | null = null;
  /** Aborts when the exchange is over, so that a request that is still held is given up. */
  #leaving: AbortController | null = null;
  /** Aborts the reading of a long body. */
  #reading: AbortController | null = null;
  #isReadNoMore = false;
  /** Sequence number of the request's record. */
  #request: number | null = null;
  #ownHeaders: Headers = [];
  /** The facts of a request for WebSocket that was allowed. */
  #upgrade: WebSocketFacts | null = null;
  #call: UpstreamCall | null = null;
  #answer: AnswerPipeline | null = null;
  /** Called when the call can take more bytes of the request. Null: nobody waits for that. */
  #drained: (() => void) | null = null;
  /** Has the wait for a commit of the request reject. Null: there was none. */
  #stopWaiting: ((reason: unknown) => void) | null = null;
  #isOver = false;
  /** Resolves when an early end of the answer is recorded. Null if there is none. */
  #recordedEnd: Promise<void> | null = null;
  #bug: unknown = null;

  constructor(exchange: Exchange, door: Door, rules: ExchangeRules, steps: Steps) {
    this.#exchange = exchange;
    this.#door = door;
    this.#rules = rules;
    this.#steps = steps;
    this.#head = { method: exchange.request.method ?? '', path: exchange.path, headers: [] };
  }

  async run(): Promise<void> {
    const { response } = this.#exchange;
    endOnError(response);
    onceClosed(response, this.#onClose);
    try {
      await this.#serve();
    } catch (error) {
      await this.#fail(error);
    }
    await this.#closed.promise;
    await this.#recordedEnd;
    await this.#answer?.settled();
    this.#channel?.signal.removeEventListener('abort', this.#onAbort);
    this.#noteAnswered();
    if (this.#bug !== null) {
      throw this.#bug;
    }
  }

  async #serve(): Promise<void> {
    const headers = pairHeaders(this.#exchange.request.rawHeaders);
    this.#clientHeaders = headers;
    const parameter = this.#rules.tokenParameter;
    const { path, tokens } = parameter === undefined ? { path: this.#exchange.path, tokens: [] } : takeTokens(this.#exchange.path, parameter);
    this.#head = { ...this.#head, path, headers };
    const channel = await this.#authenticate(headers, tokens);
    const token = this.#token;
    const { target } = channel;
    const call = this.#rules.call(target);
    const sent = endToEndRequest(headers, token);
    const head = {
      method: this.#exchange.request.method ?? '',
      path: this.#pathOf(normalizePath(path, call.allowsEncodedSlash), target),
      headers: this.#rules.headers?.(sent) ?? sent,
    };
    if (head.method === 'TRACE') {
      // The answer to TRACE repeats the request as the target got it, with the target's credential in it.
      throw new GatewayError('unsupported', 'TRACE is not forwarded.');
    }
    if (token !== '' && head.path.includes(token)) {
      throw new GatewayError('malformed', 'The token belongs into a header, not into the address.');
    }
    this.#head = head;
    if (this.#exchange.upgrade === null) {
      await this.#ask(channel, call, head);
    } else {
      await this.#askUpgrade(channel, call, head);
    }
  }

  async #ask(channel: Channel, call: TargetCall, sent: RequestHead): Promise<void> {
    const { request, response, expectsContinue } = this.#exchange;
    const { target, limits } = channel;
    const isReadWhole = this.#rules.isReadWhole(sent, target);
    const announced = new RequestBody(request, call.bodyBytesMax);
    const isShort = announced.length !== null && announced.length <= smallBodyBytes;
    const mustBeWhole = isReadWhole || call.needsWholeBody || (!isShort && (await this.#isHeld(channel, sent)));
    const body = mustBeWhole ? new RequestBody(request, Math.min(call.bodyBytesMax, limits.frameBytesMax)) : announced;
    const isOneRecord = mustBeWhole || isShort;
    if (expectsContinue) {
      writeContinue(response);
    }
    const whole = isOneRecord ? await body.whole() : null;
    const kept = whole === null || whole.length > shortBytes ? null : (this.#rules.withoutOwn?.(whole) ?? null);
    const first = kept ?? whole;
    const head = kept === null ? sent : { ...sent, headers: withBody(sent.headers, kept.length) };
    this.#body = first !== null && first.length <= shortBytes ? first : null;
    const understood = await this.#understand(channel, { head, body: first, isReadWhole });
    if (this.#isOver) {
      return;
    }
    const { reading, change } = understood;
    this.#answerTo = reading.answerTo ?? null;
    this.#knowMember = reading.knowMember;
    this.#heldForms = reading.held ?? {};
    const isRead = reading.answer.asks !== undefined || understood.isObliged || channel.target.inspect !== undefined;
    const headers = understood.isObliged ? forWholeAnswer(sent.method, understood.head.headers) : understood.head.headers;
    const asked = isRead ? { ...understood.head, headers: withoutCoding(headers) } : head;
    const framing = understood.head === sent ? framingOf(body, first) : kept !== null ? [] : understood.body === null ? chunked : [];
    const pieces = [composeRequestHead(this.#sentHead(asked, framing, channel)), ...(understood.body === null ? [] : [understood.body])].filter(
      ({ length }) => length > 0,
    );
    const outcome = await this.#decide(channel, reading, pieces, { continues: first === null, change });
    if (outcome !== null) {
      this.#forward(channel, call, outcome, reading);
      if (first === null) {
        await this.#forwardBody(channel, body, understood);
      } else {
        this.#call?.end();
      }
    }
  }

  /** True if policy holds a request of which only the head is known. All of its bytes are then needed, because it is approved as a whole. */
  async #isHeld(channel: Channel, head: RequestHead): Promise<boolean> {
    const { action } = await this.#read(channel, head, { body: null, isReadWhole: false });
    return (await channel.decide(withoutIds(action))).verdict === 'hold';
  }

  /** Reads a request. If policy changes its texts, it is read again as it is then: so it is decided on, recorded and forwarded. */
  async #understand(channel: Channel, asked: AskedRequest): Promise<UnderstoodRequest> {
    const reading = await this.#read(channel, asked.head, asked);
    const isObliged = !this.#isOver && channel.isObliged(reading.action);
    const change = isObliged ? channel.requestChange(reading.action, asked.body === null ? [] : [asked.body]) : null;
    if (change === null) {
      return { ...asked, pieces: null, reading, change, isObliged };
    }
    const changed = await this.#changed(channel, asked, { change, reading });
    return { ...changed, reading: await this.#read(channel, changed.head, { ...asked, body: changed.body }), change, isObliged };
  }

  /** A request whose texts cannot be changed is in the record as denied, as the action that policy names the change for: by it the values are not kept. */
  async #changed(
    channel: Channel,
    asked: AskedRequest,
    { change, reading: { action, knowMember } }: { readonly change: RequestChange; readonly reading: RequestReading },
  ): Promise<ChangedRequest> {
    try {
      return await inTurns(changeRequest(asked, change.texts, channel.limits.frameBytesMax, knowMember));
    } catch (error) {
      if (error instanceof GatewayError && !this.#isOver) {
        this.#recordUnread(channel, asked.head, { body: asked.body ?? Buffer.alloc(0), reason: error.message, action });
      }
      throw error;
    }
  }

  /**
   * Reads a request. If it cannot be read, it is recorded as a denied request, up to the length of one record. Policy is not asked about a request that nobody
   * understands.
   */
  async #read(
    channel: Channel,
    head: RequestHead,
    { body, isReadWhole }: { readonly body: Buffer | null; readonly isReadWhole: boolean },
  ): Promise<RequestReading> {
    try {
      return await this.#rules.read(head, isReadWhole ? body : null, channel.target, this.#take);
    } catch (error) {
      if (error instanceof GatewayError && !this.#isOver) {
        this.#recordUnread(channel, head, { body: body ?? Buffer.alloc(0), reason: error.message });
      }
      throw error;
    }
  }

  #recordUnread(
    channel: Channel,
    head: RequestHead,
    { body, reason, action: { name: action, attributes: known } = unknownAction }: { readonly body: Buffer; readonly reason: string; readonly action?: Action },
  ): void {
    const [path = ''] = head.path.split('?', 1);
    const facts = { 'http.request.method': head.method, 'url.path': path, ...traceFact(headerOf(head.headers, 'traceparent')) };
    const kept = body.subarray(0, unreadBytesMax);
    const attributes = { ...facts, ...known, ...(kept.length < body.length ? { [ownAttributes.isWhole]: false } : {}) };
    const meta = { action, verdict: 'deny', reason, attributes } as const;
    this.#request = channel.record('request', meta, [composeRequestHead(this.#sentHead(head, [], channel)), kept]);
  }

  async #askUpgrade(channel: Channel, call: TargetCall, head: RequestHead): Promise<void> {
    const upgrading = this.#rules.upgrade?.(head, channel.target) ?? null;
    if (upgrading === null) {
      throw this.#refuseUpgrade(channel, head);
    }
    const { action, reader, messageTexts } = upgrading;
    const sent = this.#sentHead({ ...head, headers: openingHeaders(head) }, [], channel);
    // An opening has no texts of its own, but the messages that follow have.
    const change = channel.requestChange(action, []);
    const opening = composeRequestHead(sent);
    const outcome = await this.#decide(channel, { action }, [opening], { change });
    if (outcome !== null) {
      const { seq, changes } = outcome;
      const { session, limits } = channel;
      const changed = { changes, changesRequests: change !== null, ...(messageTexts === undefined ? {} : { messageTexts }) };
      const known = knownHead(opening, null);
      this.#upgrade = { action, request: seq, opening: known, reader, ...changed, session, messageBytesMax: limits.frameBytesMax, take: this.#take };
      this.#forward(channel, call, outcome, { answer: noAnswerReading });
      this.#call?.end();
    }
  }

  /** Records the request as denied and returns the error. Policy is not asked, because the protocol cannot let this request through in any case. */
  #refuseUpgrade(channel: Channel, head: RequestHead): GatewayError {
    const reason = 'This request cannot change to WebSocket. Use plain HTTP.';
    this.#recordUnread(channel, head, { body: Buffer.alloc(0), reason });
    return new GatewayError('not_upgraded', reason);
  }

  #forward(
    channel: Channel,
    call: TargetCall,
    { grant, seq, changes }: Allowed,
    {
      answer: reading,
      urlMembers,
      findParts,
      takesNull = false,
      areLines = false,
      knowMember,
    }: Pick<RequestReading, 'answer' | 'urlMembers' | 'findParts' | 'takesNull' | 'areLines' | 'knowMember'>,
  ): void {
    const begin = (receiver: CallReceiver): UpstreamCall => this.#rules.begin?.(channel, call, receiver) ?? channel.call(call, receiver);
    this.#answer = openAnswerPipeline({
      channel,
      response: this.#exchange.response,
      request: seq,
      ownHeaders: this.#ownHeaders,
      givesCredential: call.givesCredential,
      urls: new OwnUrls(ownUrlsOf(channel.target, this.#exchange)),
      urlMembers: this.#head.method === 'HEAD' ? [] : (urlMembers ?? []),
      reading,
      begun: this.#waiting?.head ?? null,
      changes,
      findParts: findParts ?? null,
      takesNull,
      areLines,
      knowMember,
      take: this.#takeElsewhere,
      begin,
      compose: (head, framing) => this.#sentHead(head, framing, channel),
      onUpgrade: (answered, upstream) => void this.#goOn(channel, answered, upstream),
      onError: (error) => void this.#fail(error),
      onDrain: () => this.#drained?.(),
    });
    this.#call = begin(this.#answer.receiver);
    this.#answer.attach(this.#call);
    this.#call.forward(grant);
  }

  /** Handles the target's consent to WebSocket: records it, releases it, and then relays frames until either side ends. */
  async #goOn(channel: Channel, answered: Headers, upstream: Upstream): Promise<void> {
    const { response, upgrade } = this.#exchange;
    try {
      if (upgrade === null || this.#upgrade === null) {
        throw new GatewayError('target_unreachable', 'The target changed to another protocol without being asked.');
      }
      const headers = acceptedHeaders(this.#head?.headers ?? [], answered);
      const meta = { request: this.#upgrade.request, attributes: { 'http.response.status_code': 101 } };
      channel.record('response', meta, [composeResponseHead(101, 'Switching Protocols', headers)], true);
      await untilCommitted(channel);
      if (this.#isOver || 'stream' in response) {
        upstream.destroy();
        return;
      }
      this.#isOver = true;
      this.#leaving?.abort();
      channel.signal.removeEventListener('abort', this.#onAbort);
      const head = upgrade.take();
      const client = new Connection(upgrade.socket, { certificate: null, loginMs: channel.limits.loginMs });
      client.unread(head);
      client.write(composeResponseHead(101, 'Switching Protocols', [...headers, ...this.#ownHeaders]));
      await runRelay(client, upstream, channel, new WebSocketRelay(this.#upgrade)).catch((bug: unknown) => {
        this.#bug = bug;
      });
      this.#endReading();
      this.#closed.resolve();
    } catch (error) {
      upstream.destroy();
      await this.#fail(error);
    }
  }

  /**
   * Runs a step here if the body is short. For a long body the step goes to the thread, because it would delay all other clients. So does the step for an
   * encoded body, which may become long when it is decoded.
   */
  readonly #take: TakeStep = (step, input) => {
    const isShort = input.body.length <= shortBytes && headerOf(this.#head.headers, 'content-encoding') === undefined;
    return isShort ? step.take(input) : this.#takeElsewhere(step, input);
  };

  readonly #takeElsewhere: TakeElsewhere = async (step, input) => {
    this.#reading ??= new AbortController();
    if (this.#isReadNoMore) {
      this.#reading.abort();
    }
    return this.#steps.take(step, input, { whose: this.#channel?.principal ?? '', signal: this.#reading.signal });
  };

  /** Ends the reading, because nobody waits for its result any more. */
  #endReading(): void {
    this.#isReadNoMore = true;
    this.#reading?.abort();
  }

  #pathOf(path: string, target: Target): string {
    return this.#rules.path?.(path, target) ?? path;
  }

  async #authenticate(headers: Headers, found: readonly string[]): Promise<Channel> {
    const { isLoopback, isEncrypted, target, clientAddress } = this.#exchange;
    if (!isLoopback && !isEncrypted) {
      throw new GatewayError('refused', 'A token is taken over the network only under TLS: configure tls, and use https://.');
    }
    if (headers.filter(([name]) => name === 'host').length > 1) {
      throw new GatewayError('malformed', 'A request must have exactly one Host header.');
    }
    const { host, ':authority': authority } = this.#exchange.request.headers;
    assertNoForeignPage(headers, String(authority ?? host ?? ''));
    const token = readToken(headers, found);
    this.#token = token;
    const channel = await this.#door.authenticate({
      token,
      target,
      user: headerOf(headers, 'user-agent') ?? '',
      clientAddress,
      claims: claimedIn(headers),
    });
    this.#channel = channel;
    this.#ownHeaders = [['countersign-session', channel.session], ...inertInBrowsers(headers)];
    channel.signal.addEventListener('abort', this.#onAbort, { once: true });
    channel.signal.throwIfAborted();
    return channel;
  }

  /** Builds the head that the target gets, with its own host name, its base path before the path, and the framing of the body. */
  #sentHead({ method, path, headers }: RequestHead, framing: Headers, { target }: Channel): CallHead {
    const base = target.path === '' ? '' : `/${target.path.replace(/\/$/, '')}`;
    const whole = `${base}${path}`;
    const host = target.host.includes(':') ? `[${target.host}]` : target.host;
    const isPlainPort = host === '' || target.port === (target.scheme === 'https' ? 443 : 80);
    return {
      method,
      path: whole.startsWith('/') ? whole : `/${whole}`,
      headers: [['host', isPlainPort ? host : `${host}:${target.port}`], ...headers, ...framing],
    };
  }

  /** Has a request decided on, recorded and committed. Null if the exchange ended meanwhile. Rejects with GatewayError `refused` or `not_found`. */
  async #decide(
    channel: Channel,
    { action, repeats = false }: Pick<RequestReading, 'action' | 'repeats'>,
    bytes: readonly Uint8Array[],
    { continues, change = null }: Pick<RequestRelation, 'continues' | 'change'>,
  ): Promise<Allowed | null> {
    const {
      decision,
      grant,
      seq,
      record,
      changes = [],
    } = await channel.request(this.#wished(channel, this.#traced(action), bytes), bytes, {
      ...(continues === undefined ? {} : { continues }),
      repeats,
      change,
      isAlone: true,
      leaving: this.#whenLeft,
      onHeld: this.#onHeld(channel),
    });
    await this.#waiting?.end();
    this.#request = seq;
    this.#ownHeaders = [...this.#ownHeaders, ['countersign-record', record]];
    if (grant === null) {
      throw refusalOf(decision);
    }
    await this.#untilCommitted(channel);
    return this.#isOver ? null : { grant, seq, changes };
  }

  /** Adds the trace context from the header. If the protocol found one in a place of its own, that one stays. */
  #traced(action: Action): Action {
    const trace = headerOf(this.#head.headers, 'traceparent');
    return trace === undefined ? action : { ...action, attributes: { ...traceFact(trace), ...action.attributes } };
  }

  /** Returns the act that tells the client that its request waits for people. */
  #onHeld(channel: Channel): (notice: HeldNotice) => void {
    return (notice) => {
      this.#hasWaited = true;
      this.#request = notice.request;
      const { event } = this.#heldForms;
      if (event !== undefined) {
        const ownHeaders: Headers = [...this.#ownHeaders, ['countersign-record', notice.record]];
        this.#waiting = new WaitingAnswer({ channel, response: this.#exchange.response, ownHeaders, event }, notice);
      }
    };
  }

  readonly #whenLeft = (): AbortSignal => {
    this.#leaving ??= new AbortController();
    if (this.#isOver) {
      this.#leaving.abort();
    }
    return this.#leaving.signal;
  };

  /** Adds how the client wants to learn the outcome if the request is held, and how the request is known again. A wish in a place of the protocol's own stays. */
  #wished({ limits }: Channel, action: Action, [head = noBytes, ...body]: readonly Uint8Array[]): Action {
    const mode = readHoldMode(headerOf(this.#clientHeaders, holdHeader) ?? '');
    const limit = this.#heldForms.event === undefined ? { waitMsMax: limits.heldAnswerMs } : {};
    const onHold = { ...limit, ...(mode === null ? {} : { mode }), ...action.onHold };
    const coding = joinedHeaderOf(this.#head.headers, 'content-encoding');
    const readable = codingOf(coding) === '' ? {} : { readable: () => this.#decoded(head, body) };
    const look = (change: TextChange): Slices<boolean> => this.#lookAt(change, body);
    return {
      ...action,
      ...readable,
      look,
      isOnce: true,
      onHold,
      known: () => [knownHead(head, this.#rules.sessionHeader ?? null), ...(action.known?.() ?? body)],
    };
  }

  /** Returns a request with its body decoded; null if it cannot be, or if its body comes later. */
  #decoded(head: Uint8Array, body: readonly Uint8Array[]): Buffer | null {
    const decoded = body.length === 0 ? null : undoCodings(this.#head.headers, Buffer.concat(body), decodedBytesMax);
    return decoded === null ? null : Buffer.concat([head, decoded]);
  }

  /** Gives each text of a body to a look. Returns false if they cannot be found. */
  *#lookAt(look: TextChange, body: readonly Uint8Array[]): Slices<boolean> {
    const { headers } = this.#head;
    const plain = body.length === 0 ? Buffer.alloc(0) : undoCodings(headers, Buffer.concat(body), decodedBytesMax);
    if (plain === null) {
      return false;
    }
    try {
      const head = { ...this.#head, headers: headers.filter(([name]) => name !== 'content-encoding') };
      yield* changeRequest({ head, body: plain }, [look], plain.length, this.#knowMember);
      return true;
    } catch (error) {
      if (error instanceof GatewayError) {
        return false;
      }
      throw error;
    }
  }

  /** Records each piece of the body, then forwards it. The last record of a whole body holds its trailers, or nothing. */
  async #forwardBody(channel: Channel, body: RequestBody, { reading: { action }, change, pieces }: UnderstoodRequest): Promise<void> {
    const relation = { partOf: this.#request ?? 0, continues: true, change };
    for await (const piece of pieces?.(body.pieces()) ?? body.pieces()) {
      const grant = await this.#decidePart(channel, action, piece, relation);
      if (grant === null) {
        return;
      }
      this.#call?.forward(grant);
      await this.#untilTaken(channel.limits.queuedBytesMax);
    }
    if (body.length !== null) {
      body.assertNoTrailers();
    }
    const sent = endToEndTrailers(body.trailers, this.#token);
    const trailers = pieces === null ? sent : withoutBody(sent);
    if (trailers.length > 0) {
      const attributes = { ...action.attributes, ...trailersAttribute(trailers) };
      const grant = await this.#decidePart(channel, { ...action, attributes }, composeTrailers(trailers), { ...relation, continues: false });
      if (grant !== null) {
        this.#call?.end(grant);
      }
      return;
    }
    channel.record('request', { request: relation.partOf }, [], false);
    await this.#untilCommitted(channel);
    this.#call?.end();
  }

  /** Has a part of a request decided on, recorded and committed. Null if the exchange ended meanwhile. Rejects with GatewayError `refused` or `not_found`. */
  async #decidePart(channel: Channel, action: Action, bytes: Uint8Array, relation: RequestRelation): Promise<Grant | null> {
    const isCoded = codingOf(joinedHeaderOf(this.#head.headers, 'content-encoding')) !== '';
    const { grant, decision } = await channel.request(isCoded ? { ...action, readable: () => null } : action, [bytes], relation);
    await this.#untilCommitted(channel);
    if (grant === null) {
      throw refusalOf(decision);
    }
    return this.#isOver ? null : grant;
  }

  async #untilTaken(queuedBytesMax: number): Promise<void> {
    while (!this.#isOver && (this.#call?.queuedBytes ?? 0) > queuedBytesMax) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      await Promise.race([promise, this.#closed.promise]);
    }
  }

  /** If what was seen at the end of the answer cannot be recorded, nothing can, and the gateway ends. */
  #noteAnswered(): void {
    try {
      if (this.#request !== null) {
        this.#channel?.answered(this.#request);
      }
    } catch (unrecorded) {
      if (this.#bug === null && !(unrecorded instanceof GatewayError)) {
        this.#bug = unrecorded;
      }
    }
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#channel?.signal.reason;
    void this.#fail(reason);
    this.#stopWaiting?.(reason);
  };

  /** Does what the function `untilCommitted` does, without a listener of its own for each record. */
  #untilCommitted(channel: Channel): Promise<void> {
    channel.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stopWaiting = reject;
    channel.whenCommitted(resolve);
    return promise;
  }

  /** Called when the client has the whole answer, or has left. */
  readonly #onClose = (): void => {
    const { response } = this.#exchange;
    if (!this.#isOver) {
      this.#isOver = true;
      this.#leaving?.abort();
      this.#waiting?.stop();
      const isGone = wasCut(response);
      this.#endReading();
      this.#call?.destroy();
      this.#answer?.stop();
      if (isGone) {
        this.#recordedEnd = this.#recordEnd({ 'error.type': 'client_closed' }, []);
      }
    }
    this.#closed.resolve();
  };

  /** Tells the client the first failure, and records it if there is a session. Further failures are ignored. */
  async #fail(error: unknown): Promise<void> {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#leaving?.abort();
    this.#waiting?.stop();
    if (!(error instanceof GatewayError)) {
      this.#bug = error;
    }
    this.#endReading();
    this.#call?.destroy();
    this.#answer?.stop();
    const { response } = this.#exchange;
    const problem = problemOf(error, this.#channel?.session ?? null);
    const failed = { problem, head: this.#head, body: this.#body, answerTo: this.#answerTo };
    if (response.headersSent || this.#waiting !== null) {
      const openHead = this.#answer === null ? (this.#waiting?.head ?? null) : this.#answer.openHead();
      const event = openHead === null ? null : (this.#rules.lastEvent?.(failed, openHead) ?? null);
      this.#recordedEnd = this.#recordEnd({ 'error.type': problem.code }, event === null ? [] : [event]);
      if (event === null) {
        breakOff(response);
      } else {
        await this.#recordedEnd;
        endWith(response, event, lastWordsMs);
      }
      return;
    }
    const { status, headers: words, body } = this.#again(failed) ?? this.#rules.failure(failed);
    const headers = [...words, ...(status === 401 ? challenges : []), ...(status === 426 ? goOnIn : []), ...retryHeaders(status, problem)];
    const attributes = { 'http.response.status_code': status, 'error.type': problem.code };
    await this.#recordEnd(attributes, [composeResponseHead(status, problem.title, headers), Buffer.from(body)]);
    endEarly(response, { status, statusText: problem.title, headers: [...headers, ...this.#ownHeaders] }, body);
  }

  /** Returns the answer that has a client that has waited send its request again. Null: the protocol has none, or nobody waits for people any more. */
  #again({ problem }: Failed): Failure | null {
    const { again } = this.#heldForms;
    return this.#hasWaited && problem.next === 'wait' && again !== undefined
      ? { status: 200, headers: [['content-type', 'application/json']], body: again(problem) }
      : null;
  }

  /** Records the end of the answer as far as it came. If it cannot be recorded, this does not throw: the gateway's own words are sent in any case. */
  async #recordEnd(attributes: Readonly<Record<string, string | number>>, content: readonly Uint8Array[]): Promise<void> {
    const channel = this.#channel;
    if (channel === null) {
      return;
    }
    try {
      const answered = this.#answer?.facts;
      const reading = answered?.finish() ?? null;
      if (reading !== null) {
        await reading;
      }
      const facts = answered?.facts() ?? {};
      answered?.give();
      channel.record('response', { ...(this.#request === null ? {} : { request: this.#request }), attributes: { ...facts, ...attributes } }, content);
      await untilCommitted(channel, AbortSignal.timeout(lastWordsMs));
    } catch (unrecorded) {
      if (this.#bug === null && !(unrecorded instanceof GatewayError) && !(unrecorded instanceof DOMException)) {
        this.#bug = unrecorded;
      }
    }
  }
}

/** The owners of the ids that a request names are looked up only with the decision that counts. */
function withoutIds({ ids: _ids, ...action }: Action): Action {
  return action;
}

/** Returns the head of a request without the headers that its client makes anew with each attempt, or with each session at the target. */
function knownHead(head: Uint8Array, sessionHeader: string | null): Uint8Array {
  const lines = Buffer.from(head).toString('latin1').split('\r\n');
  const isNew = (line: string): boolean => attemptHeaders.test(line) || (sessionHeader !== null && line.toLowerCase().startsWith(`${sessionHeader}:`));
  return Buffer.from(lines.filter((line) => !isNew(line)).join('\r\n'), 'latin1');
}

/** The headers that frame the body as it is sent to the target. None if the client announced a length, because that header is sent on. */
function framingOf(body: RequestBody, whole: Buffer | null): Headers {
  if (body.length !== null) {
    return [];
  }
  return whole === null ? chunked : [['content-length', String(whole.length)]];
}
