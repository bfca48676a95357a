import {
  formatBundleCheckpoint,
  formatBundleHeader,
  formatBundleRecord,
  formatEvidenceHeader,
  originOf,
  type EvidenceHeader,
} from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { readSession, SessionOpener, SessionWalk, type SessionExtent } from '../recording/session-reader.ts';
import { Turn } from '../recording/turn.ts';
import { bundleRecord, makeBundle, openCheckpoint, Prover, without, type BundleOptions, type HiddenBodies, type Log } from './evidence.ts';

/** Most characters of evidence: a page holds all of it, and a browser must open that. */
const charactersMax = 128 * 1024 * 1024;

/** Records of one of the gateway's own sessions, which say how long is kept what, and what was erased. */
export interface GovernanceRecords {
  readonly extent: SessionExtent;
  /** In order. */
  readonly seqs: readonly number[];
}

export interface EvidenceOptions extends Pick<BundleOptions, 'checkpoint' | 'findPolicy'> {
  readonly header: Omit<EvidenceHeader, 'log' | 'key' | 'keyring' | 'sessions'>;
  /** In the order in which they come. */
  readonly sessions: readonly SessionExtent[];
  readonly governance: readonly GovernanceRecords[];
  /** Finds the bodies of a session that are left out, be it one of those or one of the gateway's own. */
  readonly findHidden: (session: SessionExtent) => Promise<HiddenBodies>;
}

/**
 * Yields the lines of evidence (docs/formats/evidence.md): the same lines for the same checkpoint. Throws GatewayError `store_damaged`, `conflict`; `limit_exceeded`
 * if it is too long for a page.
 */
export async function* makeEvidence(log: Log, keys: KeyStore, options: EvidenceOptions): AsyncGenerator<string> {
  let characters = 0;
  for await (const line of linesOf(log, keys, options)) {
    characters += line.length;
    if (characters > charactersMax) {
      throw new GatewayError(
        'limit_exceeded',
        `This evidence is longer than ${charactersMax / 1024 / 1024} MiB: ask for a shorter time or for fewer sessions, and export it in several files.`,
      );
    }
    yield line;
  }
}

async function* linesOf(
  log: Log,
  keys: KeyStore,
  { header, sessions, governance, findHidden, checkpoint, findPolicy }: EvidenceOptions,
): AsyncGenerator<string> {
  const { vkey } = await openCheckpoint(log, checkpoint.note);
  yield formatEvidenceHeader({ log: originOf(log.gatewayId), key: vkey, keyring: log.keyring, ...header, sessions: sessions.length });
  for (const extent of sessions) {
    yield* makeBundle({ ...log, keyring: null }, keys, extent, { checkpoint, findPolicy, hidden: await findHidden(extent) });
  }
  for (const records of governance) {
    yield* selectionOf(log, keys, records, { note: checkpoint.note, hidden: await findHidden(records.extent) });
  }
  if (sessions.length === 0 && governance.length === 0) {
    yield formatBundleCheckpoint(checkpoint.note);
  }
}

/** Yields the bundle of some records of a session. */
async function* selectionOf(
  log: Log,
  keys: KeyStore,
  { extent, seqs }: GovernanceRecords,
  { note, hidden }: { readonly note: string; readonly hidden: HiddenBodies },
): AsyncGenerator<string> {
  const checkpoint = await openCheckpoint(log, note);
  const prover = new Prover(log, checkpoint);
  const { session } = extent;
  yield formatBundleHeader({
    log: originOf(log.gatewayId),
    key: checkpoint.vkey,
    keyring: null,
    session,
    scope: 'records',
    records: seqs.length,
    hasPolicies: false,
  });
  const opener = new SessionOpener(keys);
  const wanted = new Set(seqs);
  const turn = new Turn();
  for await (const raw of readSession(log.data, extent, new SessionWalk(session))) {
    // The records between are opened too, because bodies may repeat parts of them.
    if (wanted.delete(raw.leaf.sessionSeq)) {
      opener.learnSecrets(raw);
      yield formatBundleRecord(without(await bundleRecord(raw, opener, prover), raw.leaf.sessionSeq, hidden));
    } else {
      opener.open(raw);
    }
    if (wanted.size === 0) {
      break;
    }
    await turn.spend(2 * raw.entry.storedContent.length);
  }
  yield formatBundleCheckpoint(note);
}
