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
]);

/**
 * Servers in Go, like Ollama, take `Model` for `model`, and here it would be nobody's member (ATTACKS A12): GatewayError `malformed` where the body, a
 * message or a tool has such a key. In what is the client's own, like the schema of a tool, any keys may stand.
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
