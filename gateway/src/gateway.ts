import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Backups } from './backup/backups.ts';
import { forgetRestored, readRestored, restoredWords, type Restored } from './backup/restored.ts';
import { dropSetAside } from './backup/set-aside.ts';
import { FeedRecords } from './assembly/feed-records.ts';
import { Openings } from './access/openings.ts';
import { openArchive } from './assembly/archiving.ts';
import { relaxCollector } from './assembly/garbage-collection.ts';
import { suggestReviews } from './assembly/model-reviews.ts';
import { explainConfig, policiesInForce } from './assembly/config-explanation.ts';
import { openRootKey } from './assembly/root-key.ts';
import { compareStart } from './assembly/witnessed-start.ts';
import { openKeeping } from './assembly/keeping.ts';
import { InForce, type PolicyOf } from './assembly/in-force.ts';
import { takeUpActivities, takeUpOpenings } from './assembly/read-at-start.ts';
import { filesOfPolicy } from './policies/configured-policy.ts';
import { CandidateDesk } from './policies/policy-desk.ts';
import { classNames } from './classes/built-in-names.ts';
import type { Config } from './config/config.ts';
import { readConfig } from './config/parse.ts';
import { watchConfig } from './config/watch.ts';
import { heldText } from './assembly/held-text.ts';
import { openOutbox, tellLeft, tellSinks } from './assembly/notices.ts';
import type { Outbox } from './outbox/outbox.ts';
import { Approvals } from './controls/approvals/approvals.ts';
import { alerts } from './controls/alerts.ts';
import type { Control } from './controls/control.ts';
import { Masks } from './controls/masks/masks.ts';
import { Prints } from './following/prints.ts';
import { RequestMasks } from './controls/masks/request-masks.ts';
import { identify } from './sessions/attempt.ts';
import { LoginThrottle } from './sessions/login-throttle.ts';
import { isLoopback } from './domain/address.ts';
import type { Software } from './domain/environment.ts';
import { GatewayError } from './domain/errors.ts';
import { takesNotices } from './domain/sink.ts';
import { isInTheClear } from './domain/web-address.ts';
import { factNamesOf, factNamesOfAll } from './domain/facts-only.ts';
import type { TunnelIdentity } from './domain/client.ts';
import { sayBehind } from './feed/index-state.ts';
import { Authenticator } from './identity/authenticator.ts';
import { BrowserSessions } from './identity/browser-sessions.ts';
import { CodeFlow } from './identity/code-flow.ts';
import { Departures } from './identity/departures.ts';
import { Issuers } from './identity/issuers.ts';
import { LocalAdministrators } from './identity/local-administrators.ts';
import { SignInLinks } from './identity/sign-in-links.ts';
import { askIssuer, readIssuerDocument } from './assembly/issuer-document.ts';
import { openOperatorToken } from './api/operator-token.ts';
import { Console } from './api/console.ts';
import type { ApiParts } from './api/parts.ts';
import { findLostRevocations, recordHeard, recordLeftActs, recordLostRevocations, recordStoreFault } from './api/token-acts.ts';
import { recordLeftBackups } from './api/backup-acts.ts';
import { recordRootKey, recordSigningKey } from './api/key-records.ts';
import { apiListener } from './api/listener.ts';
import { invite, type InvitingParts } from './api/passkey-invitation.ts';
import { openApiDocument } from './api/open-api.ts';
import { HttpListener } from './listeners/http.ts';
import { OperatorSocket, removeLeftSocket } from './listeners/operator-socket.ts';
import { TcpListener } from './listeners/tcp.ts';
import { recordAcceptedToken } from './sessions/accepted-token.ts';
import { recordLeftApprovals } from './sessions/left-approvals.ts';
import { createProtocols, findProtocol, protocols, type ServedProtocols } from './protocols/registry.ts';
import { Reader } from './reader/reader.ts';
import { standardKeeping } from './recording/retention.ts';
import { Recorder } from './recording/recorder.ts';
import type { KeyStore } from './recording/key-store.ts';
import { recordTimestampNews } from './assembly/timestamp-records.ts';
import { recordWitnessNews } from './assembly/witness-records.ts';
import { openStore, type OpenedStore } from './recording/open-store.ts';
import { handoversOf } from './recording/public-keys.ts';
import type { KeepingInForce } from './retention/keeping-in-force.ts';
import { RootRotation } from './recording/root-secret/root-rotation.ts';
import { SigningRotation } from './recording/signing-rotation.ts';
import { Boundary } from './search/sight.ts';
import { ClientDoor } from './sessions/door.ts';
import { IdsOfTargets } from './sessions/ids-of-targets.ts';
import { LiveSessions } from './sessions/live-sessions.ts';
import type { DoorContext } from './sessions/login.ts';
import { Refusals } from './sessions/refusals.ts';
import { Visit } from './sessions/visit.ts';
import { StoreLock } from './store/store-lock.ts';
import { makeDataDirectory } from './store/data-directory.ts';
import { OpenApprovalsFile } from './store/open-approvals.ts';
import type { Database } from './store/database.ts';
import { EmbeddedDatabase } from './store/embedded-database.ts';
import type { Exclusion, Exclusions } from './store/exclusions.ts';
import { openIdentities } from './store/identities.ts';
import { StoreWatch } from './store/store-watch.ts';
import { openLog, type Logger } from './telemetry.ts';
import { dropStampedAbove } from './timestamps/stamped-files.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { SealedFile } from './store/sealed-file.ts';
import { Timestamping } from './timestamps/timestamping.ts';
import { Cosigning } from './witnesses/cosigning.ts';
import { StepThread } from './exchange/step-thread.ts';
import { HttpCalls } from './exchange/target/http-calls.ts';
import { readServerTls } from './wire/server-tls.ts';

/**
 * Time in ms that the index gets before clients are served. It is enough after a usual stop; an index that is further behind catches up while the gateway
 * serves.
 */
const headStartMs = 1000;
const software: Software = { name: 'countersign', version: '0.1.0', runtime: process.versions.node };
const softwareName = `${software.name} ${software.version}`;
/** At a stop, clients are told and sessions are closed within this time. */
const stopMs = 8000;
/** After a failure of the journal, sessions end within this time. It is longer than the last words to a client wait for a commit that does not come. */
const fatalMs = 2000;

export interface GatewayOptions {
  readonly configFile: string;
  /** Overrides `data` of the configuration. */
  readonly data?: string;
  /** Starts although a part of the store is older than the rest, and declares in the record what is lost. */
  readonly acceptRollback?: boolean;
  /** A checkpoint of this log that was kept elsewhere. A store that is older does not start. */
  readonly known?: string;
  /** The times of records, and the days until which they are kept, are by this clock, in Unix ms. Absent: that of the machine. */
  readonly clock?: () => number;
  /** Makes the policy of a configuration. Absent: its grants, and the policies of its files. */
  readonly policyOf?: PolicyOf;
  /** The controls that carry out obligations of that policy. */
  readonly controls?: readonly Control[];
  /** The level of the log. Absent: the variable COUNTERSIGN_LOG says it. */
  readonly logLevel?: string;
}

/** The composition root: builds each part once and hands each exactly what it needs. */
export class Gateway implements AsyncDisposable {
  readonly #parts: AsyncDisposableStack;
  readonly #log: Logger;
  readonly #controls: readonly Control[];
  readonly #clock: () => number;
  readonly #stopped = Promise.withResolvers<number>();
  readonly #listeners = new Map<string, TcpListener>();
  readonly #addresses: Record<string, string> = {};
  readonly #listenerKeys: Record<string, string> = {};
  readonly #inForce: InForce;
  #operatorSocket: string | null = null;
  /** The backup from which the store was restored before this start; null if it was not. */
  #restored: Restored | null = null;
  #sessions: LiveSessions | null = null;
  #recorder: Recorder | null = null;
  #keeping: KeepingInForce | null = null;
  #calls: HttpCalls | null = null;
  #approvals: Approvals | null = null;
  #outbox: Outbox | null = null;
  #feedRecords: FeedRecords | null = null;
  /** Aborts what is being read when the gateway stops. */
  readonly #reading = new AbortController();
  #reader: Reader | null = null;
  #authenticator: Authenticator | null = null;
  #openApi: Readonly<Record<string, unknown>> | null = null;
  #inviting: InvitingParts | null = null;
  #stopping: Promise<void> | null = null;

  private constructor(
    config: Config,
    parts: AsyncDisposableStack,
    { policyOf, controls = [], clock = Date.now, logLevel = process.env['COUNTERSIGN_LOG'] ?? 'info' }: GatewayOptions,
  ) {
    this.#parts = parts;
    this.#controls = controls;
    this.#clock = clock;
    this.#log = openLog(logLevel);
    this.#inForce = parts.use(
      new InForce(config, {
        software,
        policyOf: policyOf ?? null,
        log: this.#log,
        signal: this.#reading.signal,
        onChange: (newLimits) => this.#recheck(newLimits),
      }),
    );
  }

  /**
   * Starts a gateway. Rejects with GatewayError `config_invalid`, `store_in_use`, `store_damaged`, `store_rolled_back`, `key_unavailable` or `cannot_record`.
   */
  static async open(options: GatewayOptions): Promise<Gateway> {
    relaxCollector();
    const read = readConfig(options.configFile, protocols, process.env);
    const config = options.data === undefined ? read : { ...read, data: options.data };
    await using parts = new AsyncDisposableStack();
    const gateway = new Gateway(config, parts.move(), options);
    try {
      await gateway.#start(options.acceptRollback ?? false, options.known ?? null);
      return gateway;
    } catch (error) {
      await gateway.#parts.disposeAsync();
      throw error;
    }
  }

  /** The addresses where the gateway listens: `http`, and each protocol by its id. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses;
  }

  /** Returns the link with which the first local administrator registers a passkey. Null if there was one before, or none can be made now. */
  async inviteFirst(): Promise<string | null> {
    const parts = this.#inviting;
    try {
      return parts !== null && (await parts.localAdministrators.isUntouched()) ? (await invite(parts, null)).link : null;
    } catch (error) {
      this.#trouble('make a link for the first local administrator')(error);
      return null;
    }
  }

  /** Resolves with the exit code when the gateway has stopped, by itself or through `stop`. */
  get stopped(): Promise<number> {
    return this.#stopped.promise;
  }

  /** Stops cleanly: clients are told, and sessions are closed in the record. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(acceptRollback: boolean, known: string | null): Promise<void> {
    const { data, keys: keySettings } = this.#inForce.config;
    makeDataDirectory(data);
    const lock = this.#parts.use(StoreLock.take(data));
    if (lock.leftSocket !== null) {
      removeLeftSocket(lock.leftSocket);
    }
    await dropSetAside(data);
    this.#restored = readRestored(data);
    const store = await openStore(data, { keys: keySettings, environment: process.env }, acceptRollback, known);
    const keys = this.#parts.use(store.keys);
    const database = this.#parts.use(await this.#openDatabase());
    const { gatewayId } = keys.signer();
    const { tokens, accounts, passkeys, exclusions } = await openIdentities(database, {
      gateway: gatewayId,
      key: this.#inForce.config.store?.key() ?? null,
      now: Date.now,
    });
    const watch = this.#parts.use(
      new StoreWatch({
        database,
        exclusions,
        staleMs: this.#inForce.config.store?.staleMs ?? Infinity,
        onTrouble: (error) => {
          this.#log.warn({ err: error }, 'the store of identities does not answer as it should');
        },
        onFault: (fault) => {
          this.#tellFault(fault);
        },
      }),
    );
    const lostRevocations = findLostRevocations(keys, exclusions, acceptRollback);
    const cosigning = this.#openCosigning(keys);
    const timestamping = this.#openTimestamping();
    const { witnesses } = this.#inForce.config;
    const started =
      cosigning === null || witnesses === null
        ? store
        : await compareStart(store, { data, cosigning, policy: witnesses.policy, mayRollBack: acceptRollback, log: this.#log });
    const recorder = this.#parts.use(await this.#openRecorder(started));
    const rootKey = await openRootKey(store, { data, settings: keySettings, recorder, log: this.#log });
    this.#parts.use(rootKey.watch);
    const sessions = new LiveSessions(
      recorder,
      () => this.#inForce.environment,
      () => {
        rootKey.watch.requireOpenable();
      },
    );
    this.#sessions = sessions;
    this.#recorder = recorder;
    this.#inForce.record(recorder);
    cosigning?.begin(() => recorder.published);
    timestamping?.begin(() => recorder.published);
    const reader = this.#parts.use(await this.#openReader(store, recorder));
    this.#reader = reader;
    const { storage, retention: keeps } = this.#inForce.config;
    const archive =
      storage === null
        ? null
        : this.#parts.use(
            openArchive({ thread: threadFile('archive-thread'), data, settings: storage, retention: keeps, recorder, reader, log: this.#log, now: Date.now }),
          );
    const keeping = openKeeping(this.#parts, {
      data,
      settings: this.#inForce.config.retention,
      recorder,
      keys,
      reader,
      cosigning,
      timestamping,
      now: Date.now,
      trouble: (what) => this.#trouble(what),
    });
    this.#keeping = keeping.inForce;
    const prepared = this.#inForce.policy.prepare?.();
    const filled = Promise.all([this.#inForce.fillLimits(reader), this.#takeUpActivities(sessions, reader, recorder.size)]);
    const issuers = this.#parts.use(
      new Issuers({
        directory: () => this.#inForce.config,
        read: readIssuerDocument,
        now: Date.now,
        onAccept: (token) => {
          recordAcceptedToken(recorder, token);
        },
        onTrouble: ({ message }) => {
          this.#log.warn(message);
        },
        onKeys: () => {
          this.#authenticator?.recheck();
        },
      }),
    );
    const departures = new Departures({ accounts, exclusions, directory: () => this.#inForce.config, now: Date.now });
    const authenticator = this.#parts.use(
      new Authenticator({
        tokens,
        exclusions,
        requireCurrent: () => {
          watch.requireCurrent();
        },
        findPrincipal: (id) => this.#inForce.config.principals.get(id),
        ofCertificate: (name) => this.#inForce.config.certificates.get(name),
        now: Date.now,
        issuers,
        departures,
      }),
    );
    this.#authenticator = authenticator;
    const codeFlow = new CodeFlow({ issuers, ask: askIssuer, now: Date.now });
    const browserSessions = new BrowserSessions({
      flow: codeFlow,
      departures,
      issuers: () => this.#inForce.config.issuers,
      limits: () => this.#inForce.config.browser,
      now: Date.now,
      identify: async (shown) => identify(authenticator, shown),
    });
    await recordLeftActs(recorder, { tokens, exclusions });
    await recordLeftBackups(recorder, keys.backups);
    await recordRootKey(recorder, keys);
    await recordSigningKey(recorder, keys);
    if (this.#restored !== null) {
      this.#log.warn(this.#restored, restoredWords(this.#restored));
      forgetRestored(data);
    }
    if (lostRevocations > 0) {
      this.#log.warn(
        { revocations: lostRevocations },
        'what is known of tokens is an older copy: tokens that were revoked may come in again until they are revoked again',
      );
      await recordLostRevocations(recorder, lostRevocations);
    }
    if (keys.exclusionsSeen.store === exclusions.store) {
      recordHeard(recorder, gatewayId, await exclusions.after(keys.exclusionsSeen.revision));
    }
    keys.noteExclusions(exclusions);
    const outbox = this.#parts.use(openOutbox({ data, keys, recorder, config: () => this.#inForce.config, log: this.#log }));
    this.#outbox = outbox;
    const feeds = new FeedRecords({
      recorder,
      outbox,
      log: this.#log,
      now: Date.now,
      onFailing: () => {
        reader.recheck();
      },
    });
    this.#feedRecords = feeds;
    const approvals = this.#parts.use(await this.#openApprovals({ recorder, outbox, exclusions, authenticator }));
    this.#approvals = approvals;
    exclusions.onNews((news) => {
      this.#takeUpExclusions(news, { keys, exclusions, recorder, gatewayId });
    });
    await watch.begin();
    const refusals = this.#parts.use(new Refusals({ recorder, throttle: new LoginThrottle(Date.now), now: Date.now }));
    const calls = this.#parts.use(new HttpCalls(this.#inForce.config.limits));
    this.#calls = calls;
    const served = this.#parts.use(
      await createProtocols({ steps: this.#parts.use(new StepThread()), seedOf: (protocol) => keys.listenerKey(protocol).export() }),
    );
    const requireRecalled = recalling(served, reader, recorder);
    const masking = {
      keys: { record: keys.maskKey('record'), hash: keys.maskKey('hash'), pseudonym: keys.maskKey('pseudonym') },
      classSet: (names: readonly string[]) => this.#inForce.classSets.of(names),
      classesOf: (target: string, source: string) => this.#inForce.classSources.of(target, source),
    };
    const door: DoorContext = {
      recorder,
      sessions,
      authenticator,
      refusals,
      policy: () => this.#inForce.policy,
      looking: { nestedClasses: (names) => this.#inForce.classSets.nested(names), classesOf: masking.classesOf, prints: new Prints(keys.followKey()) },
      controls: [approvals, this.#inForce.limits, alerts, new RequestMasks(masking), new Masks(masking), ...this.#controls],
      limits: this.#inForce.config.limits,
      calls,
      ids: new IdsOfTargets((place, key) => reader.toldByGateway(place, key), { written: () => recorder.size, indexed: () => reader.state.size }),
      factNames: factNamesOf(protocols),
      requireRecalled,
      findTarget: (name) => this.#inForce.config.targets.get(name),
      keepingOf: (channel) => keeping.inForce.keepingOf(channel),
      isStopping: () => this.#stopping !== null,
    };
    const openings = new Openings({ newId: () => `op_${randomBytes(8).toString('hex')}`, now: Date.now });
    if (this.#inForce.config.guardedClasses.length > 0) {
      void takeUpOpenings(reader, openings, {
        publish: async () => recorder.publish(),
        signal: this.#reading.signal,
        onTrouble: this.#trouble('read which contents two persons had opened'),
      });
    }
    const api: ApiParts = {
      data,
      operator: openOperatorToken(data),
      recorder,
      keys,
      backups: new Backups({
        data,
        gateway: gatewayId,
        copyKeys: async (file, size) => keys.copyTo(file, size),
        identityFile: this.#inForce.config.store === null ? join(data, 'identity.db') : null,
        configured: () => ({ files: filesOfPolicy(this.#inForce.config), named: this.#inForce.config.files }),
        checkpoint: async () => recorder.publish(),
        whileKeysStay: async (act) => keeping.erasures.between(act),
        now: Date.now,
      }),
      keeping: keeping.inForce,
      retention: keeping.run,
      rootRotation: new RootRotation({
        keys,
        recorder,
        provider: store.root.provider,
        share: async (next) => reader.expectRoot(next),
        escrow: rootKey.escrow,
        now: Date.now,
      }),
      signingRotation: new SigningRotation({ keys, recorder, alone: async (act) => keeping.erasures.between(act) }),
      sessions,
      outputs: new WeakMap(),
      reader,
      tokens,
      exclusions,
      storeFault: () => watch.fault,
      rootFault: () => rootKey.watch.fault,
      escrowRecipients: keySettings.escrow,
      restored: this.#restored === null ? null : restoredWords(this.#restored),
      authenticator,
      accounts,
      departures,
      codeFlow,
      browserSessions,
      localAdministrators: new LocalAdministrators({ passkeys, tokens, exclusions, now: Date.now }),
      links: new SignInLinks(Date.now),
      browser: () => this.#inForce.config.browser,
      fresh: () => this.#inForce.config.fresh,
      verifyLogout: async (issuer, token) => issuers.verifyLogout(issuer, token),
      approvals,
      outbox,
      cosigning,
      timestamping,
      reconciler: new Reconciler({
        recorder,
        reader,
        countings: served.countings,
        targets: () => this.#inForce.config.targets,
        usage: () => this.#inForce.config.reconcile,
        limits: this.#inForce.config.limits,
        file: new SealedFile(join(data, 'reconciled'), keys.feedKey()),
        now: this.#clock,
        signal: this.#reading.signal,
      }),
      sinkStates: () => feeds.states,
      archiveState: () => archive?.state ?? null,
      refusals,
      findProtocol,
      targets: () => this.#inForce.config.targets,
      policy: () => this.#inForce.policy,
      policyDesk: this.#parts.use(
        new CandidateDesk({
          config: () => this.#inForce.config,
          policy: () => this.#inForce.policy,
          takeUp: async () => this.#inForce.takeUp(false),
        }),
      ),
      refused: () => this.#inForce.refused,
      pinsOf: ({ protocol }) => {
        requireRecalled(protocol);
        return served.pins.get(protocol) ?? null;
      },
      principals: () => this.#inForce.config.principals,
      directory: () => this.#inForce.config,
      roles: () => this.#inForce.config.roles,
      classNames: () => classNames(this.#inForce.config.classes),
      guardedClasses: () => this.#inForce.config.guardedClasses,
      openings,
      holds: keeping.holds,
      erasing: keeping.erasing,
      waitingErasures: keeping.waiting,
      erasesByTwo: () => this.#inForce.config.retention.eraseByTwo === true,
      boundary: new Boundary(factNamesOfAll(protocols)),
      issuers: () => this.#inForce.config.issuers,
      takeUpConfig: async (isMeant) => this.#inForce.takeUp(isMeant),
      reportedSettings: () => this.#inForce.config,
      explainConfig: () => {
        const { config, policy, sinceMs, waiting } = this.#inForce;
        const lines = explainConfig(config, { policies: policiesInForce(policy), environment: process.env, isForOthers: true });
        return { file: config.file, sinceMs, waiting, lines };
      },
      addresses: () => this.#addresses,
      listenerKeys: () => this.#listenerKeys,
      isEncrypted: this.#inForce.config.tls !== null,
      software: softwareName,
      openApi: () => (this.#openApi ??= openApiDocument(software.version)),
      console: Console.open(),
      isStopping: () => this.#stopping !== null,
    };
    if (!(await reader.state.whenWhole(headStartMs))) {
      this.#log.warn(
        { records: reader.state.size, of: recorder.size },
        `${sayBehind(reader.state, recorder.size)} Until then there are no answers about what was recorded, and what depends on it is refused.`,
      );
    }
    await Promise.race([filled, delay(headStartMs, null, { ref: false })]);
    await prepared;
    this.#inForce.warnOfFindings();
    await this.#listen(served, door, api);
    this.#inviting = api;
    outbox.begin();
    keeping.run.begin();
    keeping.holds.begin();
    void suggestReviews({ api, settings: () => this.#inForce.config.reviewModel, log: this.#log, signal: this.#reading.signal });
    this.#parts.use(
      watchConfig(
        () => filesOfPolicy(this.#inForce.config),
        () => {
          void this.#inForce.reload();
        },
      ),
    );
    lock.publish({ ...this.#addresses, ...(this.#operatorSocket === null ? {} : { operator: this.#operatorSocket }) });
    this.#warnOfClearText();
    this.#log.info({ ...this.#addresses, epoch: recorder.epoch }, 'serving');
  }

  async #openDatabase(): Promise<Database> {
    const { data, store } = this.#inForce.config;
    if (store === null) {
      return new EmbeddedDatabase(join(data, 'identity.db'));
    }
    // Loaded only where it is needed.
    const { PostgresDatabase } = await import('./store/postgres-database.ts');
    return PostgresDatabase.open(store.settings());
  }

  /** Withdraws what was granted by those whose credentials have ended, and records what another gateway did. */
  #takeUpExclusions(
    news: readonly Exclusion[],
    {
      keys,
      exclusions,
      recorder,
      gatewayId,
    }: { readonly keys: KeyStore; readonly exclusions: Exclusions; readonly recorder: Recorder; readonly gatewayId: string },
  ): void {
    this.#approvals?.recheck();
    try {
      keys.noteExclusions(exclusions);
    } catch (error) {
      // The next start notes it.
      this.#trouble('note what ended tokens')(error);
    }
    try {
      recordHeard(recorder, gatewayId, news);
    } catch (error) {
      this.#trouble('record what another gateway did')(error);
    }
  }

  /** Ends what is open if it is not known any more whose credentials are valid, and records that, or that it is known again. */
  #tellFault(fault: GatewayError | null): void {
    if (fault === null) {
      this.#log.info('the store of identities answers again, and credentials are accepted');
    } else {
      this.#log.error({ err: fault }, 'it is not known whose credentials are valid: what was opened with one ends, and none is accepted until it is known');
      this.#authenticator?.endAll(fault);
    }
    try {
      if (this.#recorder !== null) {
        recordStoreFault(this.#recorder, fault);
      }
    } catch (error) {
      this.#trouble('record that the store of identities does not answer, or does again')(error);
    }
  }

  /** Opens the approvals. What was held when the gateway ended is recorded as refused. */
  async #openApprovals({
    recorder,
    outbox,
    exclusions,
    authenticator,
  }: {
    readonly recorder: Recorder;
    readonly outbox: Outbox;
    readonly exclusions: Exclusions;
    readonly authenticator: Authenticator;
  }): Promise<Approvals> {
    const store = this.#parts.use(new OpenApprovalsFile(this.#inForce.config.data));
    await recordLeftApprovals(recorder, store.left);
    tellLeft(outbox, this.#inForce.config, store.left);
    store.clear();
    return new Approvals({
      settings: () => this.#inForce.config.approvals,
      store,
      policyVersion: () => this.#inForce.policy.version,
      findPrincipal: (id) => (exclusions.suspension(id) === null ? authenticator.find(id) : undefined),
      textOf: (act, held) => heldText(findProtocol, act, held),
      newId: () => `ap_${randomBytes(8).toString('hex')}`,
      now: Date.now,
      onStep: (news) => {
        tellSinks(outbox, this.#inForce.config, news);
      },
    });
  }

  /** Opens what asks the witnesses. It is open longer than the recorder, so that the last checkpoint is cosigned too. Null: none are configured. */
  #openCosigning(keys: KeyStore): Cosigning | null {
    const { data, witnesses: settings } = this.#inForce.config;
    return settings === null
      ? null
      : this.#parts.use(
          new Cosigning({
            directory: join(data, 'log'),
            handovers: async () => handoversOf(keys),
            settings,
            now: Date.now,
            onNews: (news) => {
              if (this.#recorder !== null) {
                recordWitnessNews(this.#recorder, this.#log, news);
              }
            },
            onTrouble: this.#trouble('have a checkpoint cosigned'),
          }),
        );
  }

  /** Opens what asks the authority of timestamps. Null: none is configured. */
  #openTimestamping(): Timestamping | null {
    const { data, timestamps: settings } = this.#inForce.config;
    return settings === null
      ? null
      : this.#parts.use(
          new Timestamping({
            data,
            settings,
            now: Date.now,
            onNews: (news) => {
              if (this.#recorder !== null) {
                recordTimestampNews(this.#recorder, this.#log, news);
              }
            },
            onTrouble: this.#trouble('have a checkpoint stamped'),
          }),
        );
  }

  async #openRecorder({ keys, end, rollback }: OpenedStore): Promise<Recorder> {
    const {
      data,
      retention: { default: standard },
    } = this.#inForce.config;
    if (end.previous !== null && !end.previous.clean) {
      this.#log.warn(end.previous, 'the last epoch was not stopped cleanly; its open sessions are closed in the record');
    }
    if (rollback !== null) {
      this.#log.warn(rollback, 'the store was rolled back; what is lost is declared in the record');
      dropStampedAbove(data, end.size);
    }
    return Recorder.open({
      data,
      software: softwareName,
      keys,
      keeping: standardKeeping(standard.facts, standard.content),
      end,
      rollback,
      restored: this.#restored,
      clock: this.#clock,
      newSessionId: () => randomBytes(16).toString('hex'),
      onFatal: (error) => {
        this.#fatal(error);
      },
      onTrouble: (error, what) => {
        this.#trouble(what)(error);
      },
    });
  }

  /** Opens the reader, which reads in a thread of its own so that no client waits for it. */
  async #openReader({ keys, root }: OpenedStore, recorder: Recorder): Promise<Reader> {
    return Reader.open({
      data: this.#inForce.config.data,
      thread: threadFile('reader-thread'),
      root: root.secret,
      cacheKey: keys.cacheKey(),
      written: () => recorder.size,
      onTrouble: (error, what) => {
        this.#trouble(what)(error);
      },
      feeds: {
        settings: () => ({
          rules: [...this.#inForce.config.alerts.values()],
          sinks: [...this.#inForce.config.sinks.values()].flatMap((sink) => (takesNotices(sink) ? [] : [sink.settings()])),
          keptDays: this.#inForce.config.retention.default.facts,
          written: recorder.size,
        }),
        onNews: (news) => {
          this.#feedRecords?.hear(news);
        },
      },
      onDifference: (what) => {
        this.#log.warn({ what }, 'an index did not agree with the journal, and is made again from it');
      },
    });
  }

  async #listen(served: ServedProtocols, door: DoorContext, api: ApiParts): Promise<void> {
    const { listen, limits, tls } = this.#inForce.config;
    const certificate = tls === null ? null : readServerTls(tls);
    for (const { protocol, service } of served.streams) {
      const address = listen.get(protocol.id);
      if (address !== undefined) {
        const listener = await TcpListener.open({
          ...address,
          protocol,
          service,
          limits,
          certificate,
          makeDoor: (client, id) => new ClientDoor(door, client, id),
          log: this.#log,
        });
        this.#parts.use(listener);
        this.#listeners.set(protocol.id, listener);
        this.#addresses[protocol.id] = listener.address;
        if (service.shownKey !== undefined) {
          this.#listenerKeys[protocol.id] = service.shownKey();
        }
      }
    }
    const onError = this.#trouble('answer an HTTP request');
    const shared = { limits, log: this.#log, makeVisit: (address: string) => new Visit(door, address), onError };
    for (const { protocol, service } of served.exchanges) {
      const address = protocol.hasListener === true ? listen.get(protocol.id) : undefined;
      if (address !== undefined && service.listener !== undefined) {
        const { tls: own, targetOf, shownKey } = service.listener;
        const options = { ...shared, ...address, certificate: own, targetOf, protocolOf: () => ({ protocol, service }), besides: null };
        this.#addresses[protocol.id] = this.#parts.use(await HttpListener.open(options)).address;
        this.#listenerKeys[protocol.id] = shownKey;
      }
    }
    const http = listen.get('http');
    if (http !== undefined) {
      const listener = this.#parts.use(
        await HttpListener.open({
          ...shared,
          ...http,
          certificate,
          protocolOf: (target) => served.exchange(this.#inForce.config.targets.get(target)?.protocol),
          besides: {
            onApi: apiListener(api, onError),
            onTunnel: (socket, head, tunnel) => {
              this.#adopt(socket, head, tunnel);
            },
          },
        }),
      );
      this.#addresses['http'] = listener.address;
      await this.#listenForOperator(api);
    }
  }

  /** Opens the operator's socket. If that fails, the operator's commands use the port like everybody else. */
  async #listenForOperator(api: ApiParts): Promise<void> {
    try {
      const onApi = apiListener(api, this.#trouble('answer the operator'), 'operator socket');
      this.#operatorSocket = this.#parts.use(await OperatorSocket.open(process.env['RUNTIME_DIRECTORY'] ?? tmpdir(), onApi)).path;
    } catch (error) {
      this.#trouble("open the operator's socket")(error);
    }
  }

  #adopt(socket: Socket, head: Buffer, tunnel: TunnelIdentity): void {
    const { protocol } = this.#inForce.config.targets.get(tunnel.target) ?? {};
    const behind = this.#listeners.get(protocol ?? '');
    if (behind === undefined) {
      socket.destroy();
    } else {
      behind.adopt(socket, head, tunnel);
    }
  }

  /** Checks everything that is open against the configuration that has come into force. Returns the number of approvals that were withdrawn. */
  #recheck(newLimits: ReadonlySet<string>): number {
    this.#keeping?.change(this.#inForce.config.retention);
    this.#calls?.keepOnly(this.#inForce.config.targets.values());
    this.#authenticator?.recheck();
    this.#sessions?.recheck(newLimits);
    const withdrawn = this.#approvals?.recheck() ?? 0;
    this.#outbox?.recheck();
    this.#reader?.recheck();
    return withdrawn;
  }

  /** Lets the activities go on that ended with an earlier gateway. */
  async #takeUpActivities(sessions: LiveSessions, reader: Reader, before: number): Promise<void> {
    const { signal } = this.#reading;
    const { sessionIdleMs: idleMs } = this.#inForce.config.limits;
    await takeUpActivities(reader, sessions, { before, idleMs, signal, onTrouble: this.#trouble('read what sessions did before') });
  }

  /** Warns, once per start, of addresses that can be reached over a network without TLS. */
  #warnOfClearText(): void {
    const open =
      this.#inForce.config.tls === null
        ? Object.entries(this.#addresses).filter(
            ([id, address]) => findProtocol(id)?.isEncrypted !== true && !isLoopback(address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')),
          )
        : [];
    for (const sink of this.#inForce.config.sinks.values()) {
      const told = takesNotices(sink) ? null : sink.settings();
      if (told?.kind === 'otlp' && isInTheClear(told.url)) {
        this.#log.warn(`the sink ${sink.name} gets facts of what is recorded over ${told.url}: they cross the network in the clear. https:// protects them.`);
      }
    }
    if (open.length > 0) {
      const words = open.map(([name, address]) => `${name} (${address})`).join(', ');
      this.#log.warn(
        `${words} can be reached from other machines without TLS: tokens and data cross the network in the clear. Set tls: { cert, key } in the configuration.`,
      );
    }
  }

  async #stop(): Promise<void> {
    this.#log.info({ sessions: this.#sessions?.size ?? 0 }, 'stopping: clients are told, their sessions closed in the record');
    for (const listener of this.#listeners.values()) {
      listener.stopAccepting();
    }
    const error = new GatewayError('stopping', 'The gateway is stopping.');
    this.#reading.abort(error);
    await this.#sessions?.endAll({ reason: 'stop', error }, stopMs);
    await this.#parts.disposeAsync();
    this.#log.info('stopped');
    this.#stopped.resolve(0);
  }

  /** Ends the gateway because the state of the journal is unknown. Nothing more is let through; clients are told, and the next start recovers. */
  #fatal(cause: Error): void {
    this.#log.fatal({ err: cause }, 'the journal cannot be written; the gateway ends, the next start recovers');
    const error = new GatewayError('cannot_record', 'The record cannot be written, so nothing is let through.', { cause });
    void this.#sessions?.endAll({ reason: 'cannot_record', error }, fatalMs).finally(() => {
      this.#stopped.resolve(1);
    });
  }

  #trouble(what: string): (error: unknown) => void {
    return (error) => {
      this.#log.error({ err: error }, `could not ${what}`);
    };
  }
}

/** Returns the address of a module beside this one that begins a thread. */
function threadFile(name: string): URL {
  return pathToFileURL(join(import.meta.dirname, `${name}${extname(import.meta.filename)}`));
}

/**
 * Returns a function that gives a protocol the notes that were recorded about its targets, once. It throws GatewayError `catching_up` while these are not all
 * known.
 */
function recalling(served: ServedProtocols, reader: Reader, recorder: Recorder): (protocol: string) => void {
  const untold = new Map(served.recalling);
  return (id) => {
    const recall = untold.get(id);
    if (recall !== undefined) {
      const told = reader.told(id);
      if (told === undefined) {
        throw new GatewayError(
          'catching_up',
          `${sayBehind(reader.state, recorder.size)} What was seen of this target is not known yet: try again in a moment.`,
        );
      }
      recall(told);
      untold.delete(id);
    }
  };
}
