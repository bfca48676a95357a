import { GatewayError } from '../../domain/errors.ts';

/** The transport that was there before Streamable HTTP: its answers come on the stream of another request, where nobody could tell whose they are. */
export function oldTransport(): GatewayError {
  return new GatewayError(
    'unsupported',
    'The HTTP+SSE transport of MCP is not let through: choose Streamable HTTP in client and server, and give the address of the target without a path.',
  );
}
