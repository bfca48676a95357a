import type { ShownRecord } from '@countersign/gateway/api';

interface SaidMessage {
  readonly parts: readonly {
    readonly type: string;
    readonly content?: string;
    readonly name?: string;
    readonly id?: string | null;
    readonly arguments?: unknown;
  }[];
  readonly finish_reason?: string;
}

/**
 * Returns the texts of a model's whole answer from its `gen_ai.output.messages`, one for each part. With the extent `whole`, a last text says why the answer
 * ended.
 */
export function saidIn(messages: ShownRecord['attributes'][string] | undefined, extent: 'parts' | 'whole' = 'whole'): string[] {
  if (typeof messages !== 'string') {
    return [];
  }
  try {
    // The gateway makes this attribute in the schema of the OpenTelemetry conventions.
    const list: readonly SaidMessage[] = JSON.parse(messages);
    return list.flatMap(({ parts, finish_reason: reason }) => [
      ...parts.map(partText),
      ...(reason === undefined || extent === 'parts' ? [] : [`finished: ${reason}`]),
    ]);
  } catch {
    // The records may come from a bundle in which anything is possible.
    return [];
  }
}

function partText({ type, content, name, id, arguments: given }: SaidMessage['parts'][number]): string {
  const called = `${name ?? ''}${given === undefined ? '' : `(${typeof given === 'string' ? given : JSON.stringify(given)})`}`;
  const text = content ?? `${type.replaceAll('_', ' ')} ${called}${typeof id === 'string' ? ` [${id}]` : ''}`;
  return type === 'reasoning' ? `reasoning: ${text}` : text;
}
