/** Which witnesses must have cosigned a checkpoint: policy files, c2sp.org/tlog-policy. */
import { parseCheckpoint } from './checkpoint.ts';
import { verifyCosignatures } from './cosignature.ts';
import { hasKey, SigningKeys } from './keyring.ts';
import { MalformedError } from './malformed.ts';
import { parseNote, parseVerifierKey, parseWitnessKey, verifyNote, type Note, type VerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { decodeUtf8, parseDecimal } from './text.ts';

const policyBytesMax = 256 * 1024;
/** Most logs, most witnesses and most groups of a policy. */
const entriesMax = 64;
const urlLengthMax = 2048;

interface PolicyLog {
  readonly key: VerifierKey;
  readonly url: string | null;
}

export interface PolicyWitness {
  /** The name in the policy, which need not be that of the key. */
  readonly name: string;
  readonly key: VerifierKey;
  /** The submission prefix. Null: the policy is for verifying alone. */
  readonly url: string | null;
}

interface PolicyGroup {
  readonly name: string;
  /** So many of the members must have cosigned. */
  readonly threshold: number;
  /** Names of witnesses, and of groups that come before. */
  readonly members: readonly string[];
}

export interface WitnessPolicy {
  /** The logs that count. None: which log it must be is known from elsewhere. */
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** The witness or group that must have cosigned; null: none must. */
  readonly quorum: string | null;
}

/** Parses a policy file. Throws `MalformedError` with the number of the line. */
export function parseWitnessPolicy(bytes: Uint8Array): WitnessPolicy {
  if (bytes.length > policyBytesMax) {
    throw new MalformedError(`a policy of witnesses is at most ${policyBytesMax} bytes`);
  }
  const reader = new PolicyReader();
  for (const [i, line] of decodeUtf8(bytes).split('\n').entries()) {
    try {
      reader.readLine(line);
    } catch (cause) {
      throw cause instanceof MalformedError ? new MalformedError(`line ${i + 1}: ${cause.message}`, { cause }) : cause;
    }
  }
  return reader.finish();
}

class PolicyReader {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  /** The names that were defined; true: it is a member of a group. */
  readonly #names = new Map<string, boolean>();
  #quorum: string | null | undefined;

  readLine(line: string): void {
    // oxlint-disable-next-line no-control-regex -- the specification forbids exactly these.
    if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(line)) {
      throw new MalformedError('a control character: lines end in a newline alone, and words stand apart by spaces and tabs');
    }
    const [keyword, ...words] = line.split(/[ \t]+/).filter((word) => word !== '');
    if (keyword === undefined || keyword.startsWith('#')) {
      return;
    }
    const read = { log: this.#readLog, witness: this.#readWitness, group: this.#readGroup, quorum: this.#readQuorum }[keyword];
    if (read === undefined) {
      throw new MalformedError('a line begins with log, witness, group, quorum or #');
    }
    read(words);
  }

  finish(): WitnessPolicy {
    if (this.#quorum === undefined) {
      throw new MalformedError('the line "quorum NAME" is missing; "quorum none" asks for no witness');
    }
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum };
  }

  readonly #readLog = ([vkey, url, ...more]: readonly string[]): void => {
    if (vkey === undefined || more.length > 0) {
      throw new MalformedError('"log VKEY [URL]" is expected');
    }
    const key = parseVerifierKey(vkey);
    addDistinct(this.#logs, { key, url: parseUrl(url) }, 'log');
  };

  readonly #readWitness = ([name, vkey, url, ...more]: readonly string[]): void => {
    if (name === undefined || vkey === undefined || more.length > 0) {
      throw new MalformedError('"witness NAME VKEY [URL]" is expected');
    }
    const key = parseWitnessKey(vkey);
    addDistinct(this.#witnesses, { name, key, url: parseUrl(url) }, 'witness');
    this.#define(name);
  };

  readonly #readGroup = ([name, count, ...members]: readonly string[]): void => {
    if (name === undefined || count === undefined || members.length === 0) {
      throw new MalformedError('"group NAME all|any|COUNT MEMBER…" is expected');
    }
    const threshold = count === 'all' ? members.length : count === 'any' ? 1 : parseDecimal(count);
    if (threshold < 1 || threshold > members.length) {
      throw new MalformedError(`of ${members.length} members, 1 to ${members.length} can be asked for`);
    }
    for (const member of members) {
      if (this.#requireDefined(member)) {
        throw new MalformedError(`${member} is a member of a group already, and counts in one place alone`);
      }
      this.#names.set(member, true);
    }
    requireRoom(this.#groups, 'group');
    this.#groups.push({ name, threshold, members });
    this.#define(name);
  };

  readonly #readQuorum = ([name, ...more]: readonly string[]): void => {
    if (name === undefined || more.length > 0) {
      throw new MalformedError('"quorum NAME" is expected');
    }
    if (this.#quorum !== undefined) {
      throw new MalformedError('a second quorum');
    }
    if (name !== 'none') {
      this.#requireDefined(name);
    }
    this.#quorum = name === 'none' ? null : name;
  };

  #define(name: string): void {
    if (name === 'none' || this.#names.has(name)) {
      throw new MalformedError(name === 'none' ? 'none is the name of no witness and no group' : `${name} is defined twice`);
    }
    this.#names.set(name, false);
  }

  /** Returns whether the name is a member of a group. */
  #requireDefined(name: string): boolean {
    const isMember = this.#names.get(name);
    if (isMember === undefined) {
      throw new MalformedError(`no line before this one defines ${name}`);
    }
    return isMember;
  }
}

function parseUrl(text: string | undefined): string | null {
  if (text !== undefined && (text.length > urlLengthMax || !URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))) {
    throw new MalformedError('a URL begins with https:// or http://');
  }
  return text ?? null;
}

function requireRoom(entries: readonly unknown[], what: string): void {
  if (entries.length === entriesMax) {
    throw new MalformedError(`more than ${entriesMax} ${what} lines`);
  }
}

/** Keys that wrap one public key are the same, whatever their names. */
function addDistinct<T extends { readonly key: VerifierKey }>(entries: T[], entry: T, what: string): void {
  requireRoom(entries, what);
  if (entries.some(({ key }) => equalBytes(key.publicKey, entry.key.publicKey))) {
    throw new MalformedError(`a second ${what} with this public key`);
  }
  entries.push(entry);
}

/** True if witnesses of these names make the quorum. */
export function isQuorum({ groups, quorum }: WitnessPolicy, names: ReadonlySet<string>): boolean {
  const witnessed = new Set(names);
  // A group names only what comes before it.
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => witnessed.has(member)).length >= threshold) {
      witnessed.add(name);
    }
  }
  return quorum === null || witnessed.has(quorum);
}

interface Witnessed {
  /** The name of the witness in the policy. */
  readonly name: string;
  readonly timeMs: number;
}

/** Where `quorumMs` is: a quorum has said, at that time or later, that it knew no larger log. */
export interface PolicyOutcome {
  readonly holds: boolean;
  /** Why it does not hold; empty if it does. */
  readonly why: string;
  /** The witnesses whose cosignatures hold, each with its newest. */
  readonly witnessed: readonly Witnessed[];
  /** The witnesses by which there is a line that does not hold. */
  readonly forged: readonly string[];
  /** Unix ms; null without a quorum of at least one witness. */
  readonly quorumMs: number | null;
}

/**
 * Checks a cosigned checkpoint: the log among those of the policy, if it names any, and the quorum. Where a key of the policy is in a keyring of `trusted`, the other
 * keys of that ring count for it. Rejects with `MalformedError` if it is no checkpoint.
 */
export async function policyHolds(checkpoint: Uint8Array, policy: WitnessPolicy, trusted: SigningKeys | null = null): Promise<PolicyOutcome> {
  const note = parseNote(checkpoint);
  const { origin, size } = parseCheckpoint(note.text);
  const { witnessed, forged } = await witnessesOf(note, policy);
  const logs = policy.logs.map(({ key }) => key);
  const keys = new SigningKeys(
    logs,
    trusted?.rings.filter((ring) => logs.some((key) => hasKey(ring, key))),
  );
  const signed = await verifyNote(checkpoint, keys.all);
  const isOfLog = logs.length === 0 || (signed.outcome === 'verified' && signed.signers.some((key) => key.name === origin && keys.signs(key, size)));
  const hasQuorum = isQuorum(policy, new Set(witnessed.map(({ name }) => name)));
  const names = witnessed.map(({ name }) => name).join(', ');
  const faults = [
    ...(isOfLog ? [] : ['no log of the policy has signed it']),
    ...(forged.length === 0 ? [] : [`the cosignature by ${forged.join(', ')} does not hold`]),
    ...(hasQuorum
      ? []
      : [`the quorum ${policy.quorum ?? ''} is not met: ${names === '' ? 'no witness of the policy has cosigned it' : `only ${names} cosigned it`}`]),
  ];
  return { holds: faults.length === 0, why: faults.join('; '), witnessed, forged, quorumMs: quorumTime(policy, witnessed) };
}

async function witnessesOf(note: Note, { witnesses }: WitnessPolicy): Promise<Pick<PolicyOutcome, 'witnessed' | 'forged'>> {
  const keys = witnesses.map(({ key }) => key);
  const { held, forged } = await verifyCosignatures(note, keys);
  const witnessed = witnesses.flatMap(({ name, key }) => {
    const times = held.filter((one) => one.key === key).map(({ timeS }) => timeS * 1000);
    return times.length === 0 ? [] : [{ name, timeMs: Math.max(...times) }];
  });
  return { witnessed, forged: witnesses.filter(({ key }) => forged.includes(key)).map(({ name }) => name) };
}

/** The latest time at or after which a quorum has cosigned. A single witness with a wrong clock cannot make it later. */
function quorumTime(policy: WitnessPolicy, witnessed: readonly Witnessed[]): number | null {
  const names = new Set<string>();
  for (const { name, timeMs } of witnessed.toSorted((a, b) => b.timeMs - a.timeMs)) {
    names.add(name);
    if (isQuorum(policy, names)) {
      return timeMs;
    }
  }
  return null;
}
