import { networkOf } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';

/** If a client that is logging in does nothing for this long, its place may be given to a client that waits. */
const stalledMs = 1_000;
/** The clients that wait are checked at this interval. */
const lookMs = 100;
/** For each limit, at most one line is logged in this time. */
const floodLogMs = 10_000;

/** The part of the log that a listener needs. */
export interface ListenerLog {
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** A connection's place among those that are admitted. */
export interface Admitted {
  /**
   * Called when the client has sent something and is about to log in. Resolves with null when the login may begin, otherwise with the reason why it may not.
   */
  turn(): Promise<GatewayError | null>;
  /**
   * Called when the client waits for the gateway. Before the first call, and after `idle`, the gateway waits for the client, and the place may be given away if
   * the client has not logged in.
   */
  busy(): void;
  idle(): void;
  loggedIn(): void;
  leave(): void;
}

/**
 * `silent`: the gateway waits for the client's first byte, or over HTTP for a request. `waiting`: the client has sent something and waits for its turn.
 * `loggingIn`: it has its turn, and the gateway waits for its credential. `busy`: the client waits for the gateway. `in`: it has presented a valid credential.
 * A client that is `silent` or `loggingIn` may lose its place to another.
 */
type State = 'silent' | 'waiting' | 'loggingIn' | 'busy' | 'in' | 'gone';

interface Member {
  readonly network: Network;
  readonly cut: () => void;
  state: State;
  sinceMs: number;
  proceed: (why: GatewayError | null) => void;
}

interface Network {
  readonly address: string;
  connections: number;
  /** The members in each state. The one that entered the state first is first. */
  readonly silent: Set<Member>;
  readonly loggingIn: Set<Member>;
  readonly waiting: Set<Member>;
}

type LimitName = 'connectionsMax' | 'connectionsPerAddressMax' | 'loginsPerAddressMax' | 'silentPerAddressMax';

/**
 * Counts connections by network. A silent connection cannot keep its place from a new one: if a limit is reached, the connection that was silent for longest is
 * cut. A client that has sent something waits for its turn to log in, at most as long as a login may take.
 */
export class Admission {
  readonly #limits: Limits;
  readonly #log: ListenerLog;
  readonly #networks = new Map<string, Network>();
  /** The silent connections of all networks. */
  readonly #silent = new Set<Member>();
  readonly #crowded = new Set<Network>();
  #connections = 0;
  #watch: NodeJS.Timeout | null = null;
  readonly #noted = new Map<LimitName, { loggedMs: number; turnedAway: number }>();

  constructor(limits: Limits, log: ListenerLog) {
    this.#limits = limits;
    this.#log = log;
  }

  /** Admits a connection. `cut` is called to end it if its place is given away. If it is not admitted, the returned error names the limit. */
  enter(address: string, cut: () => void): Admitted | GatewayError {
    const network = this.#networkOf(address);
    const limit = this.#makeRoom(network);
    if (limit !== null) {
      this.#note(limit, network);
      return this.#full(limit);
    }
    this.#networks.set(network.address, network);
    this.#connections += 1;
    network.connections += 1;
    const member: Member = { network, cut, state: 'silent', sinceMs: performance.now(), proceed: () => undefined };
    network.silent.add(member);
    this.#silent.add(member);
    const moveTo = (state: State): void => {
      if (member.state !== 'in' || state === 'gone') {
        this.#move(member, state);
      }
    };
    return {
      turn: async () => this.#turn(member),
      busy: () => {
        moveTo('busy');
      },
      idle: () => {
        moveTo('silent');
      },
      loggedIn: () => {
        moveTo('in');
      },
      leave: () => {
        moveTo('gone');
      },
    };
  }

  #networkOf(address: string): Network {
    const key = networkOf(address);
    return this.#networks.get(key) ?? { address: key, connections: 0, silent: new Set(), loggingIn: new Set(), waiting: new Set() };
  }

  /** Makes room for a connection, if needed by cutting a silent one, preferably of the same network. Returns null if there is room, otherwise the limit. */
  #makeRoom(network: Network): LimitName | null {
    const { connectionsMax, connectionsPerAddressMax, silentPerAddressMax } = this.#limits;
    if (network.silent.size >= silentPerAddressMax) {
      this.#evict(network.silent, 'silentPerAddressMax');
    }
    if (network.connections >= connectionsPerAddressMax && !this.#evict(network.silent, 'connectionsPerAddressMax')) {
      return 'connectionsPerAddressMax';
    }
    const candidates = network.silent.size > 0 ? network.silent : this.#silent;
    return this.#connections >= connectionsMax && !this.#evict(candidates, 'connectionsMax') ? 'connectionsMax' : null;
  }

  #evict([longest]: ReadonlySet<Member>, limit: LimitName): boolean {
    if (longest === undefined) {
      return false;
    }
    this.#note(limit, longest.network);
    this.#move(longest, 'gone');
    longest.cut();
    return true;
  }

  async #turn(member: Member): Promise<GatewayError | null> {
    const { promise, resolve } = Promise.withResolvers<GatewayError | null>();
    member.proceed = resolve;
    this.#move(member, 'waiting');
    return promise;
  }

  #move(member: Member, state: State): void {
    if (member.state === 'gone') {
      return;
    }
    const { network } = member;
    const before = member.state;
    network.silent.delete(member);
    this.#silent.delete(member);
    network.loggingIn.delete(member);
    network.waiting.delete(member);
    member.state = state;
    member.sinceMs = performance.now();
    if (state === 'silent') {
      network.silent.add(member);
      this.#silent.add(member);
    } else if (state === 'loggingIn' || state === 'waiting') {
      network[state].add(member);
    } else if (state === 'gone') {
      this.#connections -= 1;
      network.connections -= 1;
      if (network.connections === 0) {
        this.#networks.delete(network.address);
      }
    }
    if (before === 'waiting' && state !== 'waiting') {
      member.proceed(state === 'loggingIn' ? null : this.#full('loginsPerAddressMax'));
    }
    this.#letIn(network);
  }

  /** Gives clients that wait their turn, as far as the network's share allows. */
  #letIn(network: Network): void {
    const [next] = network.waiting;
    if (next === undefined) {
      this.#crowded.delete(network);
    } else if (network.loggingIn.size < this.#limits.loginsPerAddressMax) {
      this.#move(next, 'loggingIn');
    } else {
      this.#crowded.add(network);
      this.#watch ??= setInterval(() => {
        this.#look();
      }, lookMs);
    }
  }

  /** Cuts clients whose login stalls while others wait, and refuses those that have waited for as long as a login may take. */
  #look(): void {
    const nowMs = performance.now();
    for (const network of this.#crowded) {
      for (const member of [...network.loggingIn].slice(0, network.waiting.size)) {
        if (nowMs - member.sinceMs >= stalledMs) {
          this.#evict(new Set([member]), 'loginsPerAddressMax');
        }
      }
      for (const member of network.waiting) {
        if (nowMs - member.sinceMs >= this.#limits.loginMs) {
          this.#note('loginsPerAddressMax', network);
          this.#move(member, 'busy');
        }
      }
    }
    if (this.#crowded.size === 0) {
      clearInterval(this.#watch ?? undefined);
      this.#watch = null;
    }
  }

  #full(limit: LimitName): GatewayError {
    return new GatewayError('throttled', `Too many connections at once: limits.${limit} of the gateway is ${this.#limits[limit]}. Open fewer, or raise it.`);
  }

  #note(limit: LimitName, { address }: Network): void {
    const noted = this.#noted.get(limit) ?? { loggedMs: -Infinity, turnedAway: 0 };
    this.#noted.set(limit, noted);
    noted.turnedAway += 1;
    const nowMs = performance.now();
    if (nowMs - noted.loggedMs >= floodLogMs) {
      this.#log.warn({ limit, value: this.#limits[limit], address, turnedAway: noted.turnedAway }, `too many connections: limits.${limit} is reached`);
      noted.loggedMs = nowMs;
      noted.turnedAway = 0;
    }
  }
}
