import pg from 'pg';
import { exchangeWays, type ExchangeWay } from './exchanges.ts';
import type { PostgresServer } from './postgres-server.ts';
import type { StreamServer } from './stream-server.ts';

/** Where a gateway listens, and whom the client is. */
export interface Place {
  readonly addresses: Readonly<Record<string, string>>;
  readonly token: string;
}

interface Told {
  readonly isAllowed: boolean;
  /** The answer, or why there is none. */
  readonly text: string;
}

/** A protocol as its clients use it, the same for streams and exchanges. */
export interface ContractWay {
  readonly protocol: string;
  readonly target: string;
  /** Asks for something that says these words, one after the other on one connection; each is sent before the one before it is answered where the protocol can. */
  ask(place: Place, ...words: readonly string[]): Promise<readonly Told[]>;
  /** The words that arrived at the target, of those given, in the order in which they came. */
  heard(words: readonly string[]): readonly string[];
}

export interface ContractServers {
  readonly stream: StreamServer;
  readonly postgres: PostgresServer;
}

/** Every protocol of the registry has at least one. */
export function contractWays({ stream, postgres }: ContractServers): readonly ContractWay[] {
  return [...exchangeWays.map((way) => exchangeWay(way, stream)), postgresWay(postgres)];
}

function exchangeWay(way: ExchangeWay, server: StreamServer): ContractWay {
  return {
    protocol: way.protocol,
    target: way.target,
    ask: async ({ addresses, token }, ...words) =>
      Promise.all(
        words.map(async (said) => {
          const response = await fetch(`http://${addresses['http']}/t/${way.target}${way.path}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': way.type, accept: 'application/json, text/event-stream', ...way.headers },
            body: way.body(said),
          });
          const text = await response.text();
          // MCP answers 200 with an error in it.
          return { isAllowed: response.ok && !text.includes('"error":'), text };
        }),
      ),
    heard: (words) => server.heard.flatMap(({ body }) => words.filter((said) => body.includes(said))),
  };
}

function postgresWay(server: PostgresServer): ContractWay {
  return {
    protocol: 'postgres',
    target: 'orders',
    async ask({ addresses, token }, ...words) {
      const [host = '', port = ''] = (addresses['postgres'] ?? '').split(':');
      const client = new pg.Client({ host, port: Number(port), user: 'anybody', password: token, database: 'orders' });
      await client.connect();
      const told = words.map(async (said) =>
        client.query(`select '${said}' as said`).then(
          ({ rows }) => ({ isAllowed: true, text: JSON.stringify(rows) }),
          (error: unknown) => ({ isAllowed: false, text: String(error) }),
        ),
      );
      try {
        return await Promise.all(told);
      } finally {
        await client.end();
      }
    },
    heard: (words) =>
      server
        .log()
        .split('\n')
        .filter((line) => line.includes('statement: select'))
        .flatMap((line) => words.filter((said) => line.includes(said))),
  };
}
