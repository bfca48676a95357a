/**
 * Phrases that a client adds to the result of a tool: how long it took, which process or subagent it was. They differ in each run and do not matter for what is
 * asked. Codex writes them before the output of a command, Gemini CLI after it, Claude Code after the report of a subagent.
 */
const sources: readonly RegExp[] = [
  /(?<=^(?:Exit code: -?\d+\n)?)Chunk ID: [0-9a-f]+(?=\n)/,
  /(?<=^(?:Exit code: -?\d+\n|Chunk ID: [0-9a-f]+\n|Script \w+\n)?)Wall time:? \d+(?:\.\d+)? seconds(?=\n)/,
  /(?<=\n)Background PIDs: \d+(?:, \d+)*(?=\nProcess Group PGID: \d)/,
  /(?<=\n)Process Group PGID: \d+(?=\n?(?:<\/untrusted_context>)?$)/,
  /(?<=^|\n)agentId: [0-9a-f]+ \(use SendMessage with to: '[0-9a-f]+'/,
  /(?<=<usage>[^<]{0,200})duration_ms: \d+(?=<\/usage>$)/,
];
const phrases = new RegExp(sources.map(({ source }) => source).join('|'), 'g');

/** Matches the digest of the request, with the ids in it, that Claude Code puts into its first system text. */
const digest = /(?<=^x-anthropic-billing-header:[^\n]{0,1000})\bcch=[0-9a-f]{1,64}(?=;|$)/;

export function ownWordsOfSystem(text: string): readonly string[] {
  return text.match(digest) ?? [];
}

export function systemWithoutOwnWords(text: string): string {
  return text.replace(digest, '');
}

/** The phrases that a client added to this text of a result. None of them goes over the end of a line. */
export function ownWordsOf(result: string): readonly string[] {
  return result.match(phrases) ?? [];
}

export function withoutOwnWords(result: string): string {
  return result.replace(phrases, '');
}
