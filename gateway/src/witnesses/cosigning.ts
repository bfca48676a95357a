import { setTimeout as delay } from 'node:timers/promises';
import { encodeUtf8, isQuorum, parseCheckpoint, parseNote, policyHolds, rootAt, verifyConsistency, type WitnessPolicy } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import { openTiles } from '../recording/tile-store.ts';
import { CosignedFiles } from './cosigned-files.ts';
import { Cosigner, type Asking, type CosignerStatus, type ProveGrowth } from './cosigner.ts';
import type { WitnessNews } from './witness-news.ts';
import { WitnessWatch } from './witness-watch.ts';

/** Witnesses are asked about a new checkpoint at most this often. */
const everyMs = 1_000;
/** The longest time in ms until a witness has answered. */
const answerMs = 10_000;
/** The last checkpoint of a stop is cosigned within this time, or not. */
const stopMs = 5_000;
/** When the quorum has cosigned, the other witnesses have this much time. */
const graceMs = 200;
/** Who waits for a cosignature waits at most this long. */
const confirmMs = 30_000;

interface WitnessSettings {
  readonly policy: WitnessPolicy;
  /** The PEM file of the authorities that may have signed the certificates of the witnesses. Null: those of the system. */
  readonly caFile: string | null;
  /** So long, in ms, the quorum, or a witness, may be missing before that is told. */
  readonly lostMs: number;
}

export interface CosigningStatus {
  /** The name of the witness or group whose cosignatures are needed; null: none are. */
  readonly quorum: string | null;
  /** The newest checkpoint that the quorum has cosigned since the start; null: there was none. */
  readonly cosigned: { readonly size: number; readonly atMs: number } | null;
  readonly witnesses: readonly CosignerStatus[];
}

/** `no witnesses`: none are configured, or the policy demands none. `not cosigned`: the quorum did not cosign it in time. */
type Confirmed = 'cosigned' | 'no witnesses' | 'not cosigned';

export interface CosigningOptions {
  /** The directory of the public files of the log: its tiles, and what is cosigned of it. */
  readonly directory: string;
  /** Returns the checkpoints with which keys of the log took over, the first one first. */
  readonly handovers: () => Promise<readonly PublishedCheckpoint[]>;
  readonly settings: WitnessSettings;
  readonly now: () => number;
  /** Called when the quorum or a witness is missing for long, disagrees, or is there again. */
  readonly onNews: (news: WitnessNews) => void;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Asks the witnesses for cosignatures of the published checkpoints, and stores each checkpoint that the quorum has cosigned. It goes in rounds: a round asks about
 * the newest checkpoint, and ends when the quorum has cosigned it or all have answered. Each witness is asked one thing at a time.
 */
export class Cosigning implements AsyncDisposable {
  readonly #options: CosigningOptions;
  readonly #cosigners: readonly Cosigner[];
  readonly #files: CosignedFiles;
  readonly #watch: WitnessWatch;
  readonly #stopping = new AbortController();
  /** For each witness, the end of what it is asked now. */
  readonly #asked = new Map<Cosigner, Promise<unknown>>();
  #published: () => PublishedCheckpoint = () => ({ size: -1, note: '' });
  #timer: NodeJS.Timeout | null = null;
  #isStopping = false;
  #round: Promise<void> | null = null;
  /** The checkpoint that was asked about last. */
  #askedSize = -1;
  #cosigned: CosigningStatus['cosigned'] = null;
  /** Those who wait until so many records are cosigned. */
  readonly #waiting = new Set<{ readonly size: number; readonly resolve: () => void }>();

  constructor(options: CosigningOptions) {
    const { settings, now, directory } = options;
    this.#options = options;
    this.#files = new CosignedFiles(directory);
    this.#cosigners = settings.policy.witnesses.flatMap((witness) =>
      witness.url === null ? [] : [new Cosigner({ witness: { ...witness, url: witness.url }, caFile: settings.caFile, now })],
    );
    this.#watch = new WitnessWatch({ lostMs: settings.lostMs, now, hasQuorum: settings.policy.quorum !== null, onNews: options.onNews });
  }

  get status(): CosigningStatus {
    return { quorum: this.#options.settings.policy.quorum, cosigned: this.#cosigned, witnesses: this.#cosigners.map(({ status }) => status) };
  }

  /** Begins to ask. `published` returns the newest checkpoint that is on stable storage. */
  begin(published: () => PublishedCheckpoint): void {
    this.#published = published;
    this.#timer = setInterval(() => {
      this.#look();
    }, everyMs);
    this.#timer.unref();
    this.#look();
  }

  /**
   * Asks all witnesses about this checkpoint, once, before anything is recorded. Returns those that have cosigned more records, or another history. It ends when a
   * quorum has cosigned the checkpoint, or all have answered, or after `withinMs`.
   */
  async compare(checkpoint: PublishedCheckpoint, prove: ProveGrowth, withinMs: number): Promise<readonly CosignerStatus[]> {
    const cosigned = new Set<string>();
    const { promise: met, resolve: meet } = Promise.withResolvers<void>();
    const all = this.#cosigners.map(async (cosigner) => {
      const line = await this.#ask(cosigner, { checkpoint, prove, answerMs: withinMs });
      if (line !== null && this.#isQuorum(cosigned.add(cosigner.witness.name))) {
        meet();
      }
    });
    await Promise.race([met, delay(withinMs, undefined, { ref: false }), Promise.all(all)]);
    return this.#cosigners.map(({ status }) => status).filter(({ state }) => state === 'ahead' || state === 'forked');
  }

  /** Resolves when the quorum has cosigned a checkpoint of at least so many records, which was published, or when it did not within `withinMs`. That checkpoint is kept. */
  async confirm({ size }: Pick<PublishedCheckpoint, 'size'>, withinMs = confirmMs): Promise<Confirmed> {
    if (this.#options.settings.policy.quorum === null) {
      return 'no witnesses';
    }
    const { promise: cosigned, resolve } = Promise.withResolvers<void>();
    const waiting = { size, resolve };
    this.#waiting.add(waiting);
    this.#look();
    const { promise: late, resolve: giveUp } = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => {
      giveUp('late');
    }, withinMs);
    const stop = (): void => {
      giveUp('late');
    };
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    try {
      return (await Promise.race([cosigned, late])) === 'late' ? 'not cosigned' : 'cosigned';
    } finally {
      clearTimeout(timer);
      this.#stopping.signal.removeEventListener('abort', stop);
      this.#waiting.delete(waiting);
    }
  }

  /** Asks about the last checkpoint, for a short time, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#isStopping = true;
      const timer = setTimeout(() => {
        this.#stopping.abort();
      }, stopMs);
      await this.#round;
      this.#look();
      await this.#round;
      clearTimeout(timer);
    }
    this.#stopping.abort();
    await Promise.all(this.#asked.values());
  }

  /** Begins a round if there is something to ask: about a newer checkpoint, one that the quorum has not cosigned yet, or one that somebody waits for. */
  #look(): void {
    const checkpoint = this.#published();
    const isCosigned = this.#cosigned !== null && this.#cosigned.size >= checkpoint.size;
    if (!this.#isStopping) {
      this.#watch.look({ isCosigned, cosigned: this.#cosigned, witnesses: this.#cosigners.map(({ status }) => status) });
    }
    const isWanted = checkpoint.size > this.#askedSize || !isCosigned || this.#waiting.size > 0;
    if (this.#round !== null || checkpoint.size < 0 || this.#stopping.signal.aborted || !isWanted) {
      return;
    }
    this.#askedSize = checkpoint.size;
    this.#round = this.#run(checkpoint)
      .catch(this.#options.onTrouble)
      .finally(() => {
        this.#round = null;
      });
  }

  async #run(checkpoint: PublishedCheckpoint): Promise<void> {
    const { directory } = this.#options;
    const lines = new Map<string, string>();
    const { promise: met, resolve: meet } = Promise.withResolvers<void>();
    const round = { isOver: false };
    const prove = proveWith((size) => openTiles(directory, size));
    const all = this.#cosigners.map(async (cosigner) => {
      // An earlier question comes first.
      await this.#asked.get(cosigner);
      if (round.isOver || performance.now() < cosigner.restedMs) {
        return;
      }
      const line = await this.#ask(cosigner, { checkpoint, prove, answerMs });
      if (line !== null) {
        lines.set(cosigner.witness.name, line);
      }
      if (this.#isQuorum(new Set(lines.keys()))) {
        meet();
      }
    });
    await Promise.race([met.then(async () => delay(graceMs)), Promise.all(all)]);
    round.isOver = true;
    if (lines.size > 0) {
      await this.#take(checkpoint, lines);
    }
  }

  async #ask(cosigner: Cosigner, asking: Omit<Asking, 'signal' | 'handovers'>): Promise<string | null> {
    const asked = this.#options.handovers().then(async (handovers) => cosigner.cosign({ ...asking, handovers, signal: this.#stopping.signal }));
    this.#asked.set(cosigner, asked);
    return asked;
  }

  /** True if these make a quorum; a policy that demands no witness has none. */
  #isQuorum(names: ReadonlySet<string>): boolean {
    const { policy } = this.#options.settings;
    return policy.quorum !== null && isQuorum(policy, names);
  }

  /** Stores the checkpoint if the quorum has cosigned it. */
  async #take({ size, note }: PublishedCheckpoint, lines: ReadonlyMap<string, string>): Promise<void> {
    const { settings, now } = this.#options;
    const cosigned = note + settings.policy.witnesses.map(({ name }) => lines.get(name) ?? '').join('');
    const { holds } = await policyHolds(encodeUtf8(cosigned), { ...settings.policy, logs: [] });
    if (!holds) {
      return;
    }
    const confirmed = [...this.#waiting].filter((each) => each.size <= size);
    await this.#files.write(cosigned, { size, nowMs: now(), keep: confirmed.length > 0 });
    this.#cosigned = { size, atMs: now() };
    for (const { resolve } of confirmed) {
      resolve();
    }
  }
}

/** Makes proofs of growth from the tiles, and verifies each against its checkpoint, so that damaged tiles never look like another history. */
export function proveWith(open: (size: number) => ReturnType<typeof openTiles>): ProveGrowth {
  return async (from, { size, note }) => {
    const tiles = open(size);
    const { root } = parseCheckpoint(parseNote(encodeUtf8(note)).text);
    const [proof, before] = await Promise.all([tiles.consistencyProof(from), rootAt(from, tiles.readHash)]);
    if (!verifyConsistency({ size1: from, size2: size, root1: before, root2: root, proof })) {
      throw new GatewayError(
        'store_damaged',
        'The published log does not prove how it has grown: log/tile is damaged. Stop the gateway and run countersign verify; tiles that are deleted are made again by the next start.',
      );
    }
    return proof;
  };
}
