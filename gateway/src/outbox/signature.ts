import { createHmac } from 'node:crypto';

/** Returns the headers of one attempt to send a message, with a signature by each key (HMAC-SHA256), as Standard Webhooks says. `timeMs` is the time of the attempt. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export function sign(
  keys: readonly Buffer[],
  { id, body, timeMs }: { readonly id: string; readonly body: string; readonly timeMs: number },
): readonly (readonly [string, string])[] {
  const timestamp = String(Math.floor(timeMs / 1000));
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  return [
    ['webhook-id', id],
    ['webhook-timestamp', timestamp],
    ['webhook-signature', signatures.join(' ')],
  ];
}
