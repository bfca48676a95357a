import type { BodyOpener, BodyOutcome } from '@countersign/ledger';
import { bodyEncodings, bodyStreams, decodeLeaf, frameEntries, type BodySlot } from '@countersign/ledger/format';
import type { KeyStore } from './key-store.ts';
import { SessionOpener, type RawRecord } from './session-reader.ts';

/** What of all sessions later bodies may copy. A gateway keeps a quarter of it, so that by then nothing is copied from the session that is forgotten. */
const keptBytesMax = 512 * 1024 * 1024;

interface Followed {
  readonly opener: SessionOpener;
  /** What its bodies may copy from was forgotten. */
  isForgotten: boolean;
}

/**
 * Opens the bodies of all sessions of a store, front to back. Of a session that goes on it holds what later bodies may copy. Where there are no keys to be had, each body
 * says why. Dispose of it after use.
 */
export class JournalOpener implements BodyOpener, Disposable {
  readonly #openKeys: () => KeyStore;
  #keys: KeyStore | null = null;
  /** By session; what was last sealed is last. */
  readonly #sessions = new Map<string, Followed>();
  #keptBytes = 0;

  /** `openKeys`: called once, when the first sealed body comes. Errors of it: those of `GatewayError`. */
  constructor(openKeys: () => KeyStore) {
    this.#openKeys = openKeys;
  }

  async open(frame: Parameters<BodyOpener['open']>[0]): Promise<readonly BodyOutcome[]> {
    const outcomes: BodyOutcome[] = [];
    for (const entry of frameEntries(frame)) {
      const leaf = decodeLeaf(entry.leaf);
      await this.#openRecord({ leaf, leafBytes: entry.leaf, entry }, outcomes);
    }
    return outcomes;
  }

  async #openRecord(raw: RawRecord, outcomes: BodyOutcome[]): Promise<void> {
    const { leaf, entry } = raw;
    const followed = this.#sessions.get(leaf.session) ?? { opener: new SessionOpener({ find: this.#find }), isForgotten: false };
    const { opener } = followed;
    const keptBefore = opener.keptBytes;
    opener.learnKey(raw);
    for (const slot of ['meta', 'content'] as const) {
      if (entry.header[slot].stream !== bodyStreams.none) {
        const state = await stateOf(opener, raw, slot);
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

/** Whatever keeps a body shut is said, and does not keep others so. */
async function stateOf(opener: SessionOpener, raw: RawRecord, slot: BodySlot): Promise<BodyOutcome['state']> {
  try {
    return (await opener.openBody(raw, slot)).state;
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
}
