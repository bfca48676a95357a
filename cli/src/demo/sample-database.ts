import { Client } from 'pg';
import { startPostgres } from './postgres-server.ts';

export interface SampleDatabase extends AsyncDisposable {
  readonly url: string;
}

const sample = `
  CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL, city text NOT NULL);
  CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, item text NOT NULL, cents int NOT NULL CHECK (cents >= 0), state text NOT NULL);
  INSERT INTO customers VALUES (1, 'Ada Byron', 'ada@example.com', 'London'), (2, 'Alan Mathison', 'alan@example.com', 'Manchester'), (3, 'Grace Brewster', 'grace@example.com', 'Arlington'),
    (4, 'Konrad Ernst', 'konrad@example.com', 'Berlin'), (5, 'Edsger Wybe', 'edsger@example.com', 'Nuenen'), (6, 'Barbara Jane', 'barbara@example.com', 'Boston');
  INSERT INTO orders VALUES (101, 1, 'difference engine', 1250000, 'open'), (102, 1, 'punched cards', 4200, 'delivered'), (103, 2, 'paper tape', 1900, 'delivered'), (104, 3, 'nanosecond of wire', 300, 'open');
`;

/** Starts a real PostgreSQL with a few rows in it. */
export async function openSampleDatabase(password: string): Promise<SampleDatabase> {
  await using starting = new AsyncDisposableStack();
  const { url, port, user } = starting.use(await startPostgres({ password }));
  const client = new Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
  await client.connect();
  await client.query(sample);
  await client.end();
  const started = starting.move();
  return { url, [Symbol.asyncDispose]: async () => started.disposeAsync() };
}
