import { GatewayError } from '../domain/errors.ts';
import type { PolicySource } from '../domain/policy-source.ts';

/** One policy as it is written, with its place. */
export interface WrittenPolicy {
  readonly source: PolicySource;
  /** The text from its first annotation or word to its semicolon. */
  readonly text: string;
  /** The index in the file's text at which it begins. */
  readonly offset: number;
  /** Its number in the file, from 1. */
  readonly position: number;
}

/** A fault in a policy, with the index in the file's text at which it was found. Null: the whole file. */
export interface PolicyProblem {
  readonly source: PolicySource;
  readonly offset: number | null;
  readonly message: string;
}

/** Cedar's parser calls itself for each bracket, and its stack is short: about 65 kill it for good. */
const nestingMax = 32;
/** Most bytes of one policy. */
const policyBytesMax = 32 * 1024;
/** Most operators, which nest in Cedar's tree like brackets. */
const operatorsMax = 128;

const opening = new Set(['(', '[', '{']);
const closing = new Set([')', ']', '}']);
/** A token of Cedar: a string, a comment, an operator, or one character. */
const token = /"(?:[^"\\]|\\[^])*"|\/\/[^\n]*|&&|\|\||[!<>=]=|\b(?:if|then|else|in|has|like|is)\b|\w+|\s+|[^]/gu;
const operator = /^(?:&&|\|\||[!<>=]=|[-!<>+*.]|if|in|has|like|is)$/;

/**
 * Splits a file into its policies. It reads only strings, comments, brackets and semicolons; what else is wrong, Cedar says. Problems are what Cedar must not
 * be given: too deep, too long, or without an end.
 */
export function splitPolicies(source: PolicySource): { readonly policies: readonly WrittenPolicy[]; readonly problems: readonly PolicyProblem[] } {
  const policies: WrittenPolicy[] = [];
  const problems: PolicyProblem[] = [];
  let begin: number | null = null;
  let depth = 0;
  let deepest = 0;
  let operators = 0;
  for (const { 0: word, index } of source.text.matchAll(token)) {
    if (begin === null && (/^\s/.test(word) || word.startsWith('//'))) {
      continue;
    }
    begin ??= index;
    depth += opening.has(word) ? 1 : closing.has(word) ? -1 : 0;
    deepest = Math.max(deepest, depth);
    operators += operator.test(word) ? 1 : 0;
    if (word === ';' && depth <= 0) {
      const written = { source, text: source.text.slice(begin, index + 1), offset: begin, position: policies.length + 1 };
      const fault = faultOf(written.text, { deepest, operators });
      if (fault !== null) {
        problems.push({ source, offset: begin, message: fault });
      }
      policies.push(written);
      [begin, depth, deepest, operators] = [null, 0, 0, 0];
    }
  }
  if (begin !== null) {
    problems.push({ source, offset: begin, message: 'this policy has no end: a semicolon is missing, or a bracket or a string is not closed' });
  }
  return { policies: problems.length === 0 ? policies : [], problems };
}

/** Returns those policies of the text of a whole set (`PolicyEngine.text`) that have one of these ids, each with the comment or annotation that names it. */
export function namedPolicies(text: string, ids: readonly string[]): readonly string[] {
  const { policies } = splitPolicies({ file: '', path: '', text });
  return policies.flatMap((policy) => {
    const [name = ''] = /\/\/ [^\n]*\n$/.exec(text.slice(0, policy.offset)) ?? [];
    return ids.some((id) => (name === '' ? policy.text.startsWith(`@id(${JSON.stringify(id)})\n`) : name === `// ${id}\n`)) ? [`${name}${policy.text}`] : [];
  });
}

function faultOf(text: string, { deepest, operators }: { readonly deepest: number; readonly operators: number }): string | null {
  if (Buffer.byteLength(text) > policyBytesMax) {
    return `a policy is at most ${policyBytesMax} bytes: split it`;
  }
  if (deepest > nestingMax) {
    return `brackets are nested ${deepest} deep, at most ${nestingMax} are read: split the policy`;
  }
  return operators > operatorsMax ? `a policy has at most ${operatorsMax} operators, this has ${operators}: split it, or use a set and .contains()` : null;
}

/** A fault with its place for people: lines and columns begin at 1, and a column counts characters. Null: it is about the whole file. */
export interface PlacedProblem {
  /** The name of the file, and the path by which messages name it. */
  readonly file: string;
  readonly path: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

/** Returns a problem with its place in lines and columns. */
export function placed({ source: { file, path, text }, offset, message }: PolicyProblem): PlacedProblem {
  if (offset === null) {
    return { file, path, line: null, column: null, message };
  }
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { file, path, line: before.split('\n').length, column: Array.from(before.slice(lineStart)).length + 1, message };
}

/** Prints a problem as `FILE:LINE:COLUMN: MESSAGE`. */
export function printPlaced({ path, line, column, message }: PlacedProblem): string {
  return line === null ? `${path}: ${message}` : `${path}:${line}:${column}: ${message}`;
}

export function printProblem(problem: PolicyProblem): string {
  return printPlaced(placed(problem));
}

/** Makes the error for these problems. */
export function policyError(problems: readonly PolicyProblem[]): GatewayError {
  return new GatewayError('config_invalid', problems.map(printProblem).join('\n'));
}

/** Returns the place of words of a policy in its file; if it does not have them, that of the policy. */
export function searched({ text, offset }: WrittenPolicy, words: string): number {
  return offset + Math.max(0, text.indexOf(words));
}
