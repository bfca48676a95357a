import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Protocol } from '../../gateway/src/domain/protocol.ts';
import { protocols } from '../../gateway/src/protocols/registry.ts';
import { httpEntries } from './http-entries.ts';
import { asking, type Connection, type Entry, type ContractWay, type ExchangeWay, type Access, type ProtocolContract, type Told } from './contract.ts';
import { servedShape } from './served-shapes.ts';
import { startStreamServer, type StreamServer } from './stream-server.ts';
import { within } from './wait-until.ts';

/** Returns the contract of a protocol. If the protocol provides none, the error says what to add. */
export async function contractOf({ id, transport }: { readonly id: string; readonly transport: string }): Promise<ProtocolContract> {
  const place = `gateway/src/protocols/${id}/testdata/contract.ts`;
  const file = join(import.meta.dirname, '..', '..', place);
  const loaded: { readonly contract?: ProtocolContract } = await import(pathToFileURL(file).href).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND') {
      return {};
    }
    throw cause;
  });
  const { contract } = loaded;
  if (contract?.transport !== transport) {
    throw new Error(
      `The protocol ${id} brings nothing for the tests that every protocol passes: add ${place}, whose export "contract" is a ProtocolContract of tests/support/contract.ts with the transport "${transport}".`,
    );
  }
  return contract;
}

const userAgent = 'contract/1';
const only = process.env['COUNTERSIGN_TEST_PROTOCOL'];
/** The protocols that are tested: all, or the one that `npm run conformance` was asked for. */
export const testedProtocols: readonly Protocol[] = protocols.filter(({ id }) => only === undefined || id === only);
const contracts = await Promise.all(testedProtocols.map(async (protocol) => ({ protocol: protocol.id, contract: await contractOf(protocol) })));
const exchanges = contracts.flatMap(({ protocol, contract }) => (contract.transport === 'exchange' ? [{ protocol, contract }] : []));
const streams = contracts.flatMap(({ protocol, contract }) => (contract.transport === 'stream' ? [{ protocol, contract }] : []));

export interface NamedExchangeWay extends ExchangeWay {
  readonly protocol: string;
}

export const exchangeWays: readonly NamedExchangeWay[] = exchanges.flatMap(({ protocol, contract }) => contract.ways.map((way) => ({ protocol, ...way })));

/** The names of all targets of all contracts. */
export const contractTargets: readonly string[] = [...exchangeWays, ...streams.map(({ contract }) => contract)].map(({ target }) => target);

/** The words that ask this target for an answer with `secret-abc123` in it. The server of targets over HTTP encodes an answer to `encoded`. */
export function maskedWordsOf(target: string): readonly string[] {
  const { maskedWords = [] } = [...exchangeWays, ...streams.map(({ contract }) => contract)].find((each) => each.target === target) ?? {};
  return ['tell secret-abc123', 'tell encoded secret-abc123', ...maskedWords];
}

export interface StartedContracts extends AsyncDisposable {
  readonly server: StreamServer;
  /** The ways to all targets, in the order of `contractTargets`. */
  readonly ways: readonly ContractWay[];
  /** All environment variables that the configuration names. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every entry of every target. */
  readonly entries: readonly TargetEntry[];
}

export interface TargetEntry extends Entry {
  readonly target: string;
}

/** Starts the servers of all targets. `secret` is the credential of those over HTTP. */
export async function startContracts(secret: string): Promise<StartedContracts> {
  await using starting = new AsyncDisposableStack();
  const server = starting.use(await startStreamServer());
  const ways: ContractWay[] = exchangeWays.map((way) => exchangeWay(way, server, secret));
  const heard = (said: string): number => server.heard.filter(({ body }) => body.includes(said)).length;
  const entries = exchangeWays.flatMap((way, i): readonly TargetEntry[] => {
    const isFirst = exchangeWays.findIndex(({ protocol }) => protocol === way.protocol) === i;
    const all = httpEntries(way, heard);
    // A request for another target of the protocol comes in at the same places.
    return [...(isFirst ? all : all.slice(0, 1)), ...(way.entries?.(heard) ?? [])].map((entry) => ({ ...entry, target: way.target }));
  });
  for (const { protocol, contract } of streams) {
    const way = starting.use(await contract.start());
    ways.push({ ...way, protocol, target: contract.target, claims: contract.claims });
    entries.push(...way.entries.map((entry) => ({ ...entry, target: contract.target })));
  }
  const started = starting.move();
  return {
    server,
    ways,
    entries,
    environment: Object.assign({}, ...ways.map(({ environment }) => environment)),
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  };
}

/** Returns the section `targets` of a configuration. Each target has its own name as a tag. */
export function targetsOf(ways: readonly Pick<ContractWay, 'protocol' | 'target' | 'place'>[], durability = 'process'): string {
  return `targets:\n${ways.map(({ protocol, target, place }) => `  ${target}: { protocol: ${protocol}, ${place}, durability: ${durability}, tags: { name: ${target} } }\n`).join('')}`;
}

export function placeOf(way: ExchangeWay, server: StreamServer): string {
  return way.place?.(server.url) ?? `url: "${server.url}", password: { env: TARGET_SECRET }`;
}

function exchangeWay(way: NamedExchangeWay, server: StreamServer, secret: string): ContractWay {
  return {
    protocol: way.protocol,
    target: way.target,
    claims: [`user_agent.original=${userAgent}`, ...way.claims],
    place: placeOf(way, server),
    environment: { TARGET_SECRET: secret },
    connect: (access) => exchangeConnection(way, access),
    heard: (words) => server.heard.flatMap(({ body }) => words.filter((said) => body.includes(said))),
    hasEnded: (said) => server.heardOf(said)?.isCut === true,
    shapes: way.shapes.map((shape) => servedShape(way, shape, server)),
  };
}

function exchangeConnection(way: ExchangeWay, { addresses, token }: Access): Connection {
  const leaving = new AbortController();
  const tell = async (body: string, onBegun: () => void): Promise<Told> => {
    const sent = Buffer.from(`\r\n\r\n${body}`);
    let text = '';
    try {
      const response = await fetch(`http://${addresses['http']}/t/${way.target}${way.path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': way.type,
          accept: 'application/json, text/event-stream',
          'user-agent': userAgent,
          ...way.headers,
        },
        body,
        signal: leaving.signal,
      });
      const decoder = new TextDecoder();
      for await (const piece of response.body ?? []) {
        text += decoder.decode(piece, { stream: true });
        onBegun();
      }
      text = way.read?.(text) ?? text;
      // An answer may report an error in its body although its status is a success.
      return { isAllowed: response.ok && !text.includes('"error":'), text, sent, answered: Buffer.from(`\r\n\r\n${text}`) };
    } catch {
      return { isAllowed: false, text: '', sent, answered: Buffer.from(`\r\n\r\n${text}`) };
    }
  };
  return {
    ask: (said) => asking((onBegun) => tell(way.body(said), onBegun)),
    close: async () => Promise.resolve(),
    leave: () => {
      leaving.abort();
    },
  };
}

/** Asks on one connection, which is closed after the last answer. */
export async function askAll(way: ContractWay, access: Access, ...words: readonly string[]): Promise<readonly Told[]> {
  const connection = way.connect(access);
  try {
    const told = await Promise.all(words.map(async (said) => within(connection.ask(said).told, `the answer of ${way.target} to ${JSON.stringify(said)}`)));
    await within(connection.close(), `the end of the connection to ${way.target}`);
    return told;
  } catch (error) {
    connection.leave();
    throw error;
  }
}
