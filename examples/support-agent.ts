/**
 * A support agent's errand, as a script: it reads PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE like any client, so it does not know that a gateway is
 * there. Run it with `countersign run --as support-bot -- node examples/support-agent.ts`.
 */
import pg from 'pg';

const client = new pg.Client();
await client.connect();
const say = (text: string): void => {
  console.log(`  agent: ${text}`);
};

const found = await client.query('SELECT id, name, email FROM customers WHERE email = $1', ['ada@example.com']);
say(`found customer ${found.rows[0].id}, ${found.rows[0].name}`);

const orders = await client.query({
  name: 'orders-of',
  text: 'SELECT id, item, cents, state FROM orders WHERE customer = $1 ORDER BY id',
  values: [found.rows[0].id],
});
say(`${orders.rows.length} orders, the last one "${orders.rows.at(-1).item}"`);

await client.query('BEGIN');
await client.query("UPDATE orders SET state = 'refunded' WHERE id = $1", [orders.rows.at(-1).id]);
await client.query('COMMIT');
say('refunded it');

try {
  await client.query('UPDATE orders SET cents = -1 WHERE id = $1', [orders.rows[0].id]);
} catch (error) {
  say(`tried something the database refuses: ${error instanceof Error ? error.message : 'unknown'}`);
}
await client.end();
