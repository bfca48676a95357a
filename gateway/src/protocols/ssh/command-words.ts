import { unknownEffects, type Effect } from '../../domain/effects.ts';
import { effectsOfProgram, plainProgram } from '../../domain/program-effects.ts';

/** Most characters of a command whose effects are looked for. A longer one may do anything. */
const commandCharactersMax = 4096;

/** The command of a client, as far as it can be known before it runs. */
export interface CommandFacts {
  /** The name of the program. Null: a shell decides what runs. */
  readonly program: string | null;
  readonly effects: readonly Effect[];
}

/**
 * Finds what a command does. The target's shell reads it, so only a command of plain words is known: anything that a shell could make something else of is `unknown`.
 * That names mean the usual programs is taken for granted: an alias or another program of the name can do anything.
 */
export function commandFacts(command: string): CommandFacts {
  const words = command.length > commandCharactersMax ? null : plainWords(command);
  const program = words?.[0] === undefined ? null : plainProgram(words[0]);
  return { program, effects: program === null ? unknownEffects : effectsOfProgram(program) };
}

/**
 * A word in which a shell finds nothing but itself: quoted, or of characters that mean nothing to it. In single quotes, fish reads a backslash and csh a `!`; programs of C end at a
 * NUL, and csh at a line's end.
 */
const word = /'[^'\\!\n\r\0]*'|"[^"$`\\!\n\r\0]*"|[\w./:@%+,=-]+/g;
const plainCommand = new RegExp(`^[ \\t]*(?:${word.source})(?:[ \\t]+(?:${word.source}))*[ \\t]*$`);

/** Returns the words of a command in which a shell finds nothing but words. Null: it may find more. */
function plainWords(command: string): readonly string[] | null {
  if (!plainCommand.test(command)) {
    return null;
  }
  const words = [...command.matchAll(word)].map(([found]) => found.replace(/^(['"])(.*)\1$/s, '$2'));
  // Before the program, a variable may be set that changes what it does.
  return words[0]?.includes('=') === true ? null : words;
}
