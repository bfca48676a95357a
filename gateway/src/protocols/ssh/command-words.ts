import { administerEffects, destroyEffects, readEffects, unknownEffects, writeEffects, type Effect } from '../../domain/effects.ts';

/** Most characters of a command whose effects are looked for. A longer one may do anything. */
const commandCharactersMax = 4096;

/**
 * The effects of usual programs, whatever their arguments are. A program that some option makes do more is not here: `printf` of bash runs what is in the index of a variable (`-v`),
 * `service` and `mount` run programs that their arguments name, `systemctl` runs units that anybody may have written, `userdel` and `usermod` may remove a home.
 */
const effectsOfPrograms: ReadonlyMap<string, readonly Effect[]> = new Map(
  (
    [
      [
        readEffects,
        'basename cat cksum cmp comm cut df dirname du echo expr false free groups grep head id ls md5sum nproc ps pwd readlink realpath sha1sum sha256sum sha512sum stat tail true uname uptime wc whoami',
      ],
      [writeEffects, 'mkdir mkfifo touch'],
      [destroyEffects, 'cp dd ln mv rm rmdir shred tee truncate unlink'],
      [administerEffects, 'chgrp chmod chown groupadd groupdel halt passwd poweroff reboot shutdown umount useradd'],
    ] as const
  ).flatMap(([effects, names]) => names.split(' ').map((name) => [name, effects] as const)),
);

/** The directories in which a usual program is the usual one. */
const usualDirectories = /^(?:\/usr)?\/s?bin\//;

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
  const program = words?.[0]?.replace(usualDirectories, '') ?? null;
  return { program, effects: program === null ? unknownEffects : (effectsOfPrograms.get(program) ?? unknownEffects) };
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
