import type { Schemas } from '../../api/schema.ts';

/** The words that may stand at a place, and where in the line the one begins that they complete. */
export interface CedarCompletions {
  readonly from: number;
  readonly words: readonly Schemas['PolicyWord'][];
}

/** Words of Cedar itself, with their meanings. */
const keywords: readonly (readonly [string, string])[] = [
  ['permit (principal, action, resource);', 'allows what it applies to'],
  ['forbid (principal, action, resource);', 'denies what it applies to, whatever is permitted'],
  ['when { }', 'applies only if this holds'],
  ['unless { }', 'applies only if this does not hold'],
  ['principal', 'who asks'],
  ['action', 'what is asked for'],
  ['resource', 'the target'],
  ['context', 'the facts of the request'],
  ['in', 'is, or is a member of'],
  ['is', 'has the type'],
  ['has', 'has the member'],
  ['like', 'is of the form, with * for anything'],
];

/** The forms of a text before the cursor, with the kind of the words that go on from there. */
const beginnings = [
  [/@\w*$/, 'annotation'],
  [/\bcontext\.[\w.]*$/, 'context'],
  [/\bprincipal\.\w*$/, 'principal'],
  [/\bresource\.\w*$/, 'resource'],
  [/\bAction::"?[\w.]*$/, 'action'],
  [/\b(?:Target|Group|Principal|Class)::"?[^"]*$/, 'entity'],
] as const;

/** Returns the words that may complete a line of a policy up to the cursor. None within a comment, or within a text that names nothing. */
export function cedarCompletions(line: string, words: readonly Schemas['PolicyWord'][]): CedarCompletions | null {
  for (const [begun, kind] of beginnings) {
    const at = line.search(begun);
    if (at >= 0 && !isWithinText(line.slice(0, at))) {
      const written = line.slice(at);
      return { from: at, words: words.filter((word) => word.kind === kind && isBegunBy(word.text, written)) };
    }
  }
  const [written = ''] = /\w*$/.exec(line) ?? [];
  const from = line.length - written.length;
  if (written === '' || isWithinText(line.slice(0, from))) {
    return null;
  }
  const entities = ['Action', 'Target', 'Group', 'Principal', 'Class'].map((type) => [`${type}::`, 'the name of one follows'] as const);
  const begun = [...keywords, ...entities].filter(([text]) => isBegunBy(text, written));
  return { from, words: begun.map(([text, meaning]) => ({ kind: 'entity', text, meaning })) };
}

function isBegunBy(text: string, written: string): boolean {
  return text.toLowerCase().startsWith(written.toLowerCase());
}

function isWithinText(before: string): boolean {
  return before.includes('//') || before.split('"').length % 2 === 0;
}
