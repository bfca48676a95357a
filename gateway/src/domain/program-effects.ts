import { administerEffects, destroyEffects, readEffects, unknownEffects, writeEffects, type Effect } from './effects.ts';

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

/** Returns the name of a program without a directory in which a usual program is the usual one. */
export function plainProgram(path: string): string {
  return path.replace(usualDirectories, '');
}

/** Returns what a program does at most, by its name from `plainProgram`. That names mean the usual programs is taken for granted. */
export function effectsOfProgram(name: string): readonly Effect[] {
  return effectsOfPrograms.get(name) ?? unknownEffects;
}
