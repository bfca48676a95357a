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

/** The texts of a model's whole answer, from its `gen_ai.output.messages`: one for each part, and with the extent `whole` also one that says why it ended. */
export function saidIn(messages: ShownRecord['attributes'][string] | undefined, extent: 'parts' | 'whole' = 'whole'): string[] {
  if (typeof messages !== 'string') {
    return [];
  }
  try {
    // In the schema of the conventions, as the gateway makes it.
    const list: readonly SaidMessage[] = JSON.parse(messages);
    return list.flatMap(({ parts, finish_reason: reason }) => [
      ...parts.map(partText),
      ...(reason === undefined || extent === 'parts' ? [] : [`finished: ${reason}`]),
    ]);
  } catch {
    // The records may be of a bundle whose maker wrote anything here.
    return [];
  }
}

function partText({ type, content, name, id, arguments: given }: SaidMessage['parts'][number]): string {
  const called = `${name ?? ''}${given === undefined ? '' : `(${typeof given === 'string' ? given : JSON.stringify(given)})`}`;
  const text = content ?? `${type.replaceAll('_', ' ')} ${called}${typeof id === 'string' ? ` [${id}]` : ''}`;
  return type === 'reasoning' ? `reasoning: ${text}` : text;
}
