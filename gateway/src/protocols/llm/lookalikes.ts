import { lookalikeGuard } from '../../content/strict-json.ts';
import { type JsonObject, objectAt, objectsAt } from './json.ts';

const guard = lookalikeGuard([
  'model',
  'models',
  'messages',
  'input',
  'prompt',
  'system',
  'instructions',
  'role',
  'content',
  'images',
  'tool_calls',
  'tools',
  'functions',
  'function',
  'type',
  'name',
  'stream',
  'options',
  'mcp_servers',
  'plugins',
  'web_search_options',
  'search_parameters',
  'data_sources',
]);

/**
 * Throws GatewayError `malformed` if the body, a message or a tool has a key like `Model`. Servers in Go, like Ollama, read `Model` as `model`,
 * while the gateway would not read it (ATTACKS A12). Parts that the client defines, such as the schema of a tool, may have any keys.
 */
export function refuseLookalikes(body: JsonObject): void {
  guard(body);
  for (const message of objectsAt(body, 'messages')) {
    guard(message);
  }
  for (const tool of objectsAt(body, 'tools')) {
    guard(tool);
    guard(objectAt(tool, 'function'));
  }
}
