import { Client } from 'pg';
import { startPostgres } from './postgres-server.ts';

export interface SampleDatabase extends AsyncDisposable {
  readonly url: string;
  /** Reads a customer past the gateway. */
  readonly customer: (id: number) => Promise<readonly string[]>;
}

/** The names of the customers, by which the gateway knows them. */
export const customerNames = ['Ada Byron', 'Alan Mathison', 'Grace Brewster', 'Konrad Ernst', 'Edsger Wybe', 'Barbara Jane'];

/** The numbers are those that makers of cards publish for tests. */
const sample = `
  CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL, card text NOT NULL);
  CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, item text NOT NULL, cents int NOT NULL CHECK (cents >= 0), state text NOT NULL);
  INSERT INTO customers VALUES (1, 'Ada Byron', 'ada@example.com', '4242 4242 4242 4242'), (2, 'Alan Mathison', 'alan@example.com', '5555 5555 5555 4444'), (3, 'Grace Brewster', 'grace@example.com', '4000 0566 5566 5556'),
    (4, 'Konrad Ernst', 'konrad@example.com', '5105 1051 0510 5100'), (5, 'Edsger Wybe', 'edsger@example.com', '4012 8888 8888 1881'), (6, 'Barbara Jane', 'barbara@example.com', '5200 8282 8282 8210');
  INSERT INTO orders VALUES (101, 1, 'difference engine', 1250000, 'open'), (102, 1, 'punched cards', 4200, 'delivered'), (103, 2, 'paper tape', 1900, 'delivered'), (104, 3, 'nanosecond of wire', 300, 'open');
`;

/** Starts a real PostgreSQL with a few rows in it. */
export async function openSampleDatabase(password: string): Promise<SampleDatabase> {
  await using starting = new AsyncDisposableStack();
  const { url, port, user } = starting.use(await startPostgres({ password }));
  const query = async (statement: string, values?: readonly number[]): Promise<readonly (readonly unknown[])[]> => {
    const client = new Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
    await client.connect();
    try {
      const { rows } = await client.query<unknown[]>({ text: statement, rowMode: 'array', ...(values === undefined ? {} : { values: [...values] }) });
      return rows;
    } finally {
      await client.end();
    }
  };
  await query(sample);
  const started = starting.move();
  return {
    url,
    customer: async (id) => (await query('SELECT name, email, card FROM customers WHERE id = $1', [id])).flat().map(String),
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  };
}
