import type { ConnectionDoor } from '../../domain/connection-instructions.ts';
import type { ExchangeProtocol } from '../../exchange/exchange-protocol.ts';
import { replayExchange } from '../../exchange/recorded/recorded-call.ts';
import { targetUrl } from '../../exchange/target/target-url.ts';
import { actions } from './actions.ts';
import { httpFileOptions } from '../../exchange/target/http-options.ts';
import { modelOptions, providerOf } from './options.ts';
import { context } from './policy-context.ts';
import { render } from './render.ts';
import { withoutOwn } from './own-ids.ts';

export const llm: ExchangeProtocol = {
  id: 'llm',
  title: 'Models',
  transport: 'exchange',
  valuePlaces: 'fields',
  schemes: { https: 443, http: 80 },
  actions,
  context,
  readExample: async (text) => (await import('./read-example.ts')).readExample(text),
  options: modelOptions,
  fileOptions: httpFileOptions,
  connection: (door) => ({
    url: targetUrl(door),
    environment: environment(door),
    command: `curl -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' -d @request.json ${targetUrl(door)}/v1/chat/completions`,
  }),
  create: async (parts) => (await import('./service.ts')).createService(parts),
  render,
  replay: replayExchange({ change: withoutOwn }),
};

/** The environment variables that the SDKs read. `..._API_BASE` is the name that LiteLLM and clients built on it read the address from; without it LiteLLM would send the token to the provider. */
function environment(door: ConnectionDoor): Readonly<Record<string, string>> {
  const { token } = door;
  const url = targetUrl(door);
  switch (providerOf(door.options)) {
    case 'openai':
      // The Agents SDK sends a trace of its work to OpenAI by itself, with this token. The record holds all of it already.
      return { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_BASE: `${url}/v1`, OPENAI_API_KEY: token, OPENAI_AGENTS_DISABLE_TRACING: '1' };
    case 'anthropic':
      return { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_BASE: url, ANTHROPIC_API_KEY: token };
    case 'gemini':
      // The SDK warns if there are two keys and takes GOOGLE_API_KEY, which may be set outside of the run. An empty value counts as none.
      return { GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_BASE: url, GEMINI_API_KEY: token, GOOGLE_GENERATIVE_AI_API_KEY: token, GOOGLE_API_KEY: '' };
    case 'azure':
      return { AZURE_OPENAI_ENDPOINT: url, AZURE_API_BASE: url, AZURE_OPENAI_API_KEY: token, AZURE_API_KEY: token };
    case 'ollama':
      return { OLLAMA_HOST: url, OLLAMA_API_BASE: url, OLLAMA_API_KEY: token };
    default:
      // Clients of AWS send a bearer token only over TLS. Without TLS the token is sent as the session token, beside keys that sign nothing here.
      return {
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
        // LiteLLM's name for the same address.
        AWS_BEDROCK_RUNTIME_ENDPOINT: url,
        ...(door.tls
          ? { AWS_BEARER_TOKEN_BEDROCK: token }
          : { AWS_ACCESS_KEY_ID: 'countersign', AWS_SECRET_ACCESS_KEY: 'countersign', AWS_SESSION_TOKEN: token }),
      };
  }
}
