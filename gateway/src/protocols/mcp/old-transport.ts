import { GatewayError } from '../../domain/errors.ts';

/**
 * Makes the error for the transport before Streamable HTTP. Its answers come on the stream of another request, so the gateway cannot tell to whom they belong.
 */
export function oldTransport(): GatewayError {
  return new GatewayError(
    'unsupported',
    'The HTTP+SSE transport of MCP is not let through: choose Streamable HTTP in client and server, and give the address of the target without a path.',
  );
}
