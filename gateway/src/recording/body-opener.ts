import type { BodyOpener, BodyOutcome } from '@countersign/ledger';
import { bodyEncodings, bodyStreams, decodeLeaf, frameEntries, type BodySlot } from '@countersign/ledger/format';
import type { KeyStore } from './key-store.ts';
import { SessionOpener, type RawRecord } from './session-reader.ts';

/** Most bytes, over all sessions, that are kept because later bodies may copy them. A gateway keeps a quarter of that, so nothing copies from the session that is forgotten first. */
const keptBytesMax = 512 * 1024 * 1024;

interface Followed {
  readonly opener: SessionOpener;
  /** True if the bytes that its bodies may copy from were forgotten. */
  isForgotten: boolean;
}

/**
 * Opens the bodies of all sessions of a store, from the beginning of the journal. For each open session it holds the bytes that later bodies may copy. If a key
 * is not available, the outcome of each body says why. Must be disposed of after use.
 */
export class JournalOpener implements BodyOpener, Disposable {
  readonly #openKeys: () => KeyStore;
  #keys: KeyStore | null = null;
  /** The followed sessions by id. The session whose record came last is last. */
  readonly #sessions = new Map<string, Followed>();
  #keptBytes = 0;

  /** `openKeys` is called when the first sealed body comes, and again if it throws. It may throw GatewayErrors. */
  constructor(openKeys: () => KeyStore) {
    this.#openKeys = openKeys;
  }

  async open(frame: Parameters<BodyOpener['open']>[0]): Promise<readonly BodyOutcome[]> {
    const outcomes: BodyOutcome[] = [];
    for (const entry of frameEntries(frame)) {
      const leaf = decodeLeaf(entry.leaf);
      this.#openRecord({ leaf, leafBytes: entry.leaf, entry }, outcomes);
    }
    return outcomes;
  }

  #openRecord(raw: RawRecord, outcomes: BodyOutcome[]): void {
    const { leaf, entry } = raw;
    const followed = this.#sessions.get(leaf.session) ?? { opener: new SessionOpener({ find: this.#find }), isForgotten: false };
    const { opener } = followed;
    const keptBefore = opener.keptBytes;
    opener.learnSecrets(raw);
    for (const slot of ['meta', 'content'] as const) {
      if (entry.header[slot].stream !== bodyStreams.none) {
        const state = stateOf(opener, raw, slot);
        const mayBeForgotten = followed.isForgotten && (entry.header[slot].encoding & bodyEncodings.spliced) !== 0;
        outcomes.push({ index: leaf.logIndex, state: state === 'mismatch' && mayBeForgotten ? forgotten : state });
      }
    }
    this.#keptBytes += opener.keptBytes - keptBefore;
    this.#sessions.delete(leaf.session);
    if (leaf.kind === 'close') {
      this.#keptBytes -= opener.keptBytes;
    } else {
      this.#sessions.set(leaf.session, followed);
      this.#forgetOldest();
    }
  }

  [Symbol.dispose](): void {
    this.#keys?.[Symbol.dispose]();
  }

  readonly #find: KeyStore['find'] = (keyId, secret, kept) => {
    this.#keys ??= this.#openKeys();
    return this.#keys.find(keyId, secret, kept);
  };

  #forgetOldest(): void {
    for (const followed of this.#sessions.values()) {
      if (this.#keptBytes <= keptBytesMax) {
        return;
      }
      if (followed.opener.keptBytes > 0) {
        this.#keptBytes -= followed.opener.keptBytes;
        followed.opener.forgetKept();
        followed.isForgotten = true;
      }
    }
  }
}

const forgotten = { unreadable: 'too many sessions repeat themselves at once' };

/** Opens a body. An error becomes its outcome, so that other bodies can still be opened. */
function stateOf(opener: SessionOpener, raw: RawRecord, slot: BodySlot): BodyOutcome['state'] {
  try {
    return opener.openBody(raw, slot).state;
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
}
