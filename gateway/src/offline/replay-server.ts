import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { builtInNames } from '../classes/built-in-names.ts';
import { ClassSets } from '../classes/class-sets.ts';
import { ClassSources } from '../classes/class-sources.ts';
import type { Control } from '../controls/control.ts';
import { RequestMasks } from '../controls/masks/request-masks.ts';
import type { DataClass } from '../domain/data-class.ts';
import { environmentOf, filesOf, type ConnectionInstructions } from '../domain/connection-instructions.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ClientResponse } from '../exchange/exchange.ts';
import { defaultLimits } from '../domain/limits.ts';
import { problemMediaType, problemOf } from '../exchange/problem.ts';
import type { Channel } from '../domain/channel.ts';
import { listenerOf, type Protocol } from '../domain/protocol.ts';
import type { TargetFacts } from '../domain/target.ts';
import { formatToken, tokenSecretBytes } from '../identity/token-format.ts';
import { HttpListener } from '../listeners/http.ts';
import { TcpListener } from '../listeners/tcp.ts';
import { createProtocols, findProtocol } from '../protocols/registry.ts';
import { type Nearest, Recording } from '../replay/recording.ts';
import { ReplayDoor } from '../replay/replay-door.ts';
import { type Missed, ReplayChannel } from '../replay/replay-channel.ts';
import { openLog } from '../telemetry.ts';
import { endEarly } from '../exchange/client-response.ts';
import { StepThread } from '../exchange/step-thread.ts';

/** Only programs on this machine are served. */
const host = '127.0.0.1';
const seedBytes = 32;

export interface ReplayServerOptions {
  /** The trusted verifier keys. Absent: the bundle's own key is used. */
  readonly keys?: readonly string[];
  /** The factor by which the replay is faster than the recording. Null: without pauses. */
  readonly speed: number | null;
  /** The port of the first listener; the others take the next ports. 0: any free ports. */
  readonly port: number;
  /** The controls of the gateway that recorded. Those that change requests do it here too, so that the requests are found. Absent: those that mask them. */
  readonly controls?: readonly Control[];
  /** The data classes of the configuration, by which values in requests are masked as they were. Absent: those that are built in. */
  readonly classes?: readonly DataClass[];
  readonly onMiss: (miss: Miss) => void;
  /** Called once for each class of a recorded mask that is not known here, when a request comes to which the mask applies. */
  readonly onUnknownClass?: (name: string) => void;
}

/** A request that the recording does not answer. */
export interface Miss {
  readonly target: string;
  readonly action: string;
  /** The readable form of the request. Control characters in it are raw. */
  readonly text: string;
  readonly reason: string;
  readonly nearest: Nearest | null;
}

/** The composition root of a replay: the gateway's listeners and protocols, with a recording in the place of the targets. */
export class ReplayServer implements AsyncDisposable {
  readonly #recording: Recording;
  readonly #options: ReplayServerOptions;
  readonly #token = formatToken(randomBytes(tokenSecretBytes));
  readonly #parts = new AsyncDisposableStack();
  readonly #stop = new AbortController();
  readonly #addresses = new Map<string, string>();
  /** The public keys by which clients know listeners, by the id of the protocol. */
  readonly #keys = new Map<string, string>();
  readonly #controls: readonly Control[];
  #told = Promise.resolve();

  private constructor(recording: Recording, options: ReplayServerOptions) {
    this.#recording = recording;
    this.#options = options;
    this.#controls = options.controls ?? [requestMasks(options)];
  }

  /**
   * Starts a server for the bundle of a session. The file must stay open as long as the server. Rejects with GatewayError `store_damaged`, `limit_exceeded` or
   * `config_invalid`; `MalformedError`.
   */
  static async open(bundle: FileHandle, options: ReplayServerOptions): Promise<ReplayServer> {
    const { keys, speed } = options;
    const server = new ReplayServer(await Recording.open(bundle, { ...(keys === undefined ? {} : { keys }), findProtocol, speed }), options);
    try {
      await server.#listen();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The environment variables for the command of a run. The directory of its files stands in them as `filesDirectory`. */
  get environment(): Readonly<Record<string, string>> {
    const token = this.#token;
    const { session } = this.#recording;
    const http = this.#addresses.get('http');
    return {
      ...environmentOf(this.#connections()),
      ...(http === undefined ? {} : { COUNTERSIGN_URL: `http://${http}` }),
      COUNTERSIGN_SESSION: session,
      COUNTERSIGN_TOKEN: token,
      TRACEPARENT: `00-${session}-${randomBytes(8).toString('hex')}-01`,
    };
  }

  /** The files that clients of the command read, by name. */
  get files(): Readonly<Record<string, string>> {
    return filesOf(this.#connections());
  }

  /** Resolves when `onMiss` was called for everything that was asked until now. */
  async told(): Promise<void> {
    await this.#told;
  }

  /** Number of records of requests and answers that cannot be replayed, because policy kept only their facts. */
  get notKept(): number {
    return this.#recording.notKept;
  }

  /** The addresses by what listens there: `http`, or the id of a protocol. */
  get addresses(): ReadonlyMap<string, string> {
    return this.#addresses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GatewayError('stopping', 'The replay has ended.'));
    await this.#parts.disposeAsync();
  }

  #connections(): readonly (ConnectionInstructions & { readonly name: string })[] {
    return [...this.#recording.targets.values()].map(({ name, protocol: id, options }) => {
      const protocol = protocolOf(id);
      const port = Number(this.#addresses.get(listenerOf(protocol))?.split(':').at(-1));
      return { name, ...protocol.connection({ tls: false, host, port, target: name, options, token: this.#token, key: this.#keys.get(id) ?? null }) };
    });
  }

  async #listen(): Promise<void> {
    const log = openLog(process.env['COUNTERSIGN_LOG'] ?? 'error');
    const used = new Set([...this.#recording.targets.values()].map(({ protocol }) => protocol));
    const nextPort = (): number => (this.#options.port === 0 ? 0 : this.#options.port + this.#addresses.size);
    const listeners = new Set([...used].flatMap((id) => findProtocol(id) ?? []).map(listenerOf));
    const seed = randomBytes(seedBytes);
    const served = this.#parts.use(await createProtocols({ steps: this.#parts.use(new StepThread()), seedOf: () => seed }));
    const makeVisit = () => ({ door: (id: string) => this.#door(id), show: () => undefined, leave: () => undefined });
    const onError = (error: unknown): void => {
      log.error({ err: error }, 'could not answer an HTTP request');
    };
    const shared = { host, limits: defaultLimits, log, makeVisit, onError };
    // Targets of a protocol with a listener of its own may have been reached below `/t/TARGET` too.
    if ([...used].some((id) => findProtocol(id)?.transport === 'exchange')) {
      const listener = await HttpListener.open({
        ...shared,
        port: nextPort(),
        certificate: null,
        protocolOf: (target) => served.exchange(this.#recording.targets.get(target)?.protocol),
        besides: {
          onApi: (request, response) => {
            this.#refuse(`${request.method} ${request.url}`, response);
          },
          onTunnel: (socket) => socket.destroy(),
        },
      });
      this.#addresses.set('http', this.#parts.use(listener).address);
    }
    for (const { protocol, service } of served.exchanges.filter(({ protocol: { id } }) => listeners.has(id) && id !== 'http')) {
      if (service.listener !== undefined) {
        const { tls, targetOf, shownKey } = service.listener;
        const listener = await HttpListener.open({
          ...shared,
          port: nextPort(),
          certificate: tls,
          targetOf,
          protocolOf: () => ({ protocol, service }),
          besides: null,
        });
        this.#addresses.set(protocol.id, this.#parts.use(listener).address);
        this.#keys.set(protocol.id, shownKey);
      }
    }
    for (const { protocol, service } of served.streams.filter(({ protocol: { id } }) => used.has(id))) {
      const listener = await TcpListener.open({
        host,
        port: nextPort(),
        protocol,
        service,
        limits: defaultLimits,
        certificate: null,
        makeDoor: () => this.#door(protocol.id),
        log,
      });
      this.#addresses.set(protocol.id, this.#parts.use(listener).address);
      if (service.shownKey !== undefined) {
        this.#keys.set(protocol.id, service.shownKey());
      }
    }
  }

  #door(protocol: string): ReplayDoor {
    return new ReplayDoor(this.#token, (target) => this.#open(target, protocol));
  }

  #open(name: string, protocol: string): Channel {
    const target = this.#recording.targets.get(name);
    if (target?.protocol !== protocol) {
      this.#options.onMiss({ target: name, action: '', text: '', reason: 'nothing of this target was recorded', nearest: null });
      throw new GatewayError('not_recorded', `The recording has nothing of a target "${name}".`);
    }
    return new ReplayChannel({
      recording: this.#recording,
      target,
      protocol: protocolOf(protocol),
      controls: this.#controls,
      signal: this.#stop.signal,
      onMiss: (missed) => {
        this.#told = this.#told.then(async () => this.#tell(target, missed));
      },
    });
  }

  async #tell(target: TargetFacts, { action, bytes, reason, unknown }: Missed): Promise<void> {
    const protocol = protocolOf(target.protocol);
    const record = { session: this.#recording.session, seq: 0, timeMs: 0, kind: 'request', record: '', meta: { channel: 0, action } };
    const asked = { ...record, channelFacts: null, governance: null, content: bytes, continues: false, withheld: null };
    const { text } = protocol.render(asked, () => null);
    // A bundle that can no longer be read has no nearest request. Callers that ask for its answers get the error.
    const nearest = unknown === null ? null : await this.#recording.nearest(target, unknown).catch(() => null);
    this.#options.onMiss({ target: target.name, action, text, reason, nearest });
  }

  /** Refuses a request to the API, which a replay does not have. */
  #refuse(text: string, response: ClientResponse): void {
    this.#options.onMiss({ target: '', action: '', text, reason: 'it is not below /t/TARGET', nearest: null });
    const { status, title, ...problem } = problemOf(new GatewayError('not_recorded', 'A replay serves what is below /t/TARGET alone.'));
    endEarly(response, { status, statusText: title, headers: [['content-type', problemMediaType]] }, JSON.stringify({ ...problem, status, title }));
  }
}

function protocolOf(id: string): Protocol {
  const protocol = findProtocol(id);
  if (protocol === undefined) {
    throw new GatewayError('unsupported', `The protocol ${id} is not spoken here.`);
  }
  return protocol;
}

/** Makes the control that masks requests as they were masked. A class that is not known here masks nothing. Tokens of values are compared by their order, so any keys will do. */
function requestMasks({ classes: own = [], onUnknownClass }: ReplayServerOptions): Control {
  const known = new Set([...builtInNames, ...own.map(({ name }) => name)]);
  const unknown = new Set<string>();
  const sets = new ClassSets(own);
  const sources = new ClassSources(own);
  const keys = { record: randomKey(), hash: randomKey(), pseudonym: randomKey() };
  const isKnown = (name: string): boolean => {
    if (!known.has(name) && !unknown.has(name)) {
      unknown.add(name);
      onUnknownClass?.(name);
    }
    return known.has(name);
  };
  return new RequestMasks({ keys, classSet: (names) => sets.of(names.filter(isKnown)), classesOf: (target, source) => sources.of(target, source) });
}

function randomKey(): KeyObject {
  return createSecretKey(randomBytes(32));
}
