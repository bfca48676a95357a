/** A bare pipe of two sockets: `pipe.ts PORT UPSTREAM` listens on PORT and connects each client to UPSTREAM without reading anything. */
import { connect, createServer } from 'node:net';

const [port = '', upstreamPort = ''] = process.argv.slice(2);
const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: Number(upstreamPort), host: '127.0.0.1', noDelay: true });
  client.pipe(upstream).pipe(client);
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
});
server.listen(Number(port), '127.0.0.1');
