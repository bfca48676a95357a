import { anythingEffects, readEffects, unknownEffects, type Effect } from '../../domain/effects.ts';
import type { Command } from './command-reader.ts';
import { commandTable, containers, type CommandEntry } from './command-table.ts';

/** Most keys of a command that are facts, and most characters of one. A command with more of them has none, and is `unknown`. */
const keysMax = 100;
const keyBytesMax = 512;

/** The facts of a command, as far as its words say them. */
export interface CommandFacts {
  /** The name, as `GET` or `CONFIG SET`. Null: it is no command of Redis that is known. */
  readonly name: string | null;
  readonly effects: readonly Effect[];
  /** The keys that it names, and the channels. */
  readonly keys: readonly string[];
  /** The longest text with which all keys begin that it touches. Empty: it names none, or may touch others. */
  readonly keyPrefix: string;
  /** True if it reaches other databases of the server than that of the connection. */
  readonly isElsewhere: boolean;
}

/** Finds the facts of a command. */
export function commandFacts(args: Command): CommandFacts {
  const name = nameOf(args);
  const entry = commandTable.get(name);
  if (entry === undefined) {
    return { name: null, effects: containers.has(name.split('|', 1)[0] ?? '') ? anythingEffects : unknownEffects, keys: [], keyPrefix: '', isElsewhere: false };
  }
  const isElsewhere = reachesOtherDatabases(name, args);
  const { effects: said, more } = byArguments(name, args, entry.effects);
  const effects = isElsewhere ? withUnknown(said) : said;
  const found = [...keysOf(entry.keys, args), ...more];
  const shown = name.toUpperCase().replace('|', ' ');
  if (found.length > keysMax || found.some((key) => key === null || key.length > keyBytesMax)) {
    return { name: shown, effects: withUnknown(effects), keys: [], keyPrefix: '', isElsewhere };
  }
  // A name of bytes that are no text is read byte by byte.
  const keys = found.flatMap((key) => (key === null ? [] : [key.toString(isText(key) ? 'utf8' : 'latin1')]));
  return { name: shown, effects, keys: [...new Set(keys)].toSorted(), keyPrefix: touchesOthers(name) ? '' : commonPrefix(keys), isElsewhere };
}

/** Returns the name of a command in lower case, with that of its subcommand: `config|set`. */
export function nameOf([first, second]: Command): string {
  const name = word(first);
  return containers.has(name) && second !== undefined ? `${name}|${word(second)}` : name;
}

/** Returns an argument as a word of Redis, which makes no difference between cases. */
export function word(argument: Buffer | undefined): string {
  return argument === undefined || argument.length > 64 ? '' : argument.toString('latin1').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Says what arguments change: `SET … GET` reads too, and SORT writes only with STORE. A key is null where it may be any. */
function byArguments(
  name: string,
  args: Command,
  effects: readonly Effect[],
): { readonly effects: readonly Effect[]; readonly more: readonly (Buffer | null)[] } {
  const words = args.slice(2).map(word);
  switch (name) {
    case 'set':
      return { effects: words.slice(1).includes('get') ? ['read', 'write'] : effects, more: [] };
    case 'getex':
      return { effects: args.length > 2 ? ['destroy', 'read', 'write'] : readEffects, more: [] };
    case 'bitfield':
      return { effects: words.some((each) => each === 'set' || each === 'incrby') ? effects : readEffects, more: [] };
    case 'sort':
    case 'sort_ro':
    case 'georadius':
    case 'georadiusbymember': {
      const stores = words.flatMap((each, i) => (each === 'store' || each === 'storedist' ? [args[i + 3] ?? null] : []));
      // The patterns of SORT lead to any other key.
      const isOpen =
        name.startsWith('sort') && words.some((each, i) => (each === 'by' || each === 'get') && word(args[i + 3]) !== '#' && word(args[i + 3]) !== 'nosort');
      return { effects: stores.length > 0 ? ['read', 'write'] : readEffects, more: [...stores, ...(isOpen ? [null] : [])] };
    }
    case 'migrate': {
      // Keys behind KEYS count only where the single one is empty.
      const single = args[3];
      return { effects, more: single === undefined ? [] : single.length > 0 ? [single] : behindOption('keys', args, { from: 6, options: migrateOptions }) };
    }
    case 'psubscribe':
      return { effects, more: args.slice(1) };
    case 'publish':
      return { effects, more: args.slice(1, 2) };
    default:
      return { effects, more: [] };
  }
}

/** True for a command that empties or changes another database, or puts a key there. */
function reachesOtherDatabases(name: string, args: Command): boolean {
  return ['flushall', 'move', 'swapdb'].includes(name) || (name === 'copy' && args.slice(3).some((each) => word(each) === 'db'));
}

function withUnknown(effects: readonly Effect[]): readonly Effect[] {
  return [...new Set<Effect>([...effects, 'unknown'])].toSorted();
}

/** True for a command that may touch keys which it does not name: a script, and a pattern of channels. */
function touchesOthers(name: string): boolean {
  return name === 'psubscribe' || /^(?:eval|fcall)/.test(name);
}

/** Returns the keys of a command by their places. Null: some cannot be found. */
function keysOf(places: CommandEntry['keys'], args: Command): readonly (Buffer | null)[] {
  return places === '' ? [] : places.split('+').flatMap((place) => keysAt(place, args));
}

function keysAt(place: string, args: Command): readonly (Buffer | null)[] {
  if (place === 'STREAMS') {
    const behind = behindOption('streams', args, { from: 1, options: streamOptions });
    return behind.length === 0 || behind.length % 2 !== 0 ? [null] : behind.slice(0, behind.length / 2);
  }
  if (place.endsWith('#')) {
    const at = Number(place.slice(0, -1));
    const written = args[at]?.toString('latin1') ?? '';
    const count = /^\d{1,5}$/.test(written) ? Number(written) : null;
    return count === null || at + count >= args.length ? [null] : args.slice(at + 1, at + 1 + count);
  }
  const [range = '', step = '1'] = place.split('/');
  const [from = '', to = from] = range.split('..');
  const end = Number(to) < 0 ? args.length + Number(to) : Number(to);
  return args.filter((_, i) => i >= Number(from) && i <= end && (i - Number(from)) % Number(step) === 0);
}

/** How many arguments are behind each option that may stand before the keys. What they say is no option: it may be the name of a group, or a password. */
const streamOptions: ReadonlyMap<string, number> = new Map([
  ['block', 1],
  ['count', 1],
  ['group', 2],
  ['noack', 0],
]);
const migrateOptions: ReadonlyMap<string, number> = new Map([
  ['copy', 0],
  ['replace', 0],
  ['auth', 1],
  ['auth2', 2],
]);

/** Returns the arguments behind an option, before which only those of a list stand. One null: it is not there. */
function behindOption(
  name: string,
  args: Command,
  { from, options }: { readonly from: number; readonly options: ReadonlyMap<string, number> },
): readonly (Buffer | null)[] {
  let at = from;
  for (let more = options.get(word(args[at])); more !== undefined; more = options.get(word(args[at]))) {
    at += 1 + more;
  }
  return word(args[at]) === name ? args.slice(at + 1) : [null];
}

function commonPrefix(keys: readonly string[]): string {
  const [first = '', ...others] = keys;
  return others.reduce((prefix, key) => {
    let same = 0;
    while (same < prefix.length && prefix[same] === key[same]) {
      same += 1;
    }
    return prefix.slice(0, same);
  }, first);
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes);
}
