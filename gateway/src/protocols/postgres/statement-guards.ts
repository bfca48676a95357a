import { parseOptions } from '../../domain/options.ts';
import type { AskEstimate } from '../../domain/action.ts';
import type { Channel } from '../../domain/channel.ts';
import type { Unit } from './client-units.ts';
import { TargetEstimates } from './estimate-rows.ts';
import { Guard } from './guard/guard.ts';
import { loadParser } from './guard/parser.ts';
import { SessionState } from './guard/session-state.ts';
import { splitPath } from './guard/session-settings.ts';
import { postgresOptions } from './options.ts';
import { RequestFacts } from './request-facts.ts';
import { TargetCatalogues, type TargetCatalogue } from './target-catalogues.ts';

/** Most sets of functions named by operators that are kept. */
const functionsMax = 100;

/** The statement guards of one gateway: its parser, what it knows of texts, the catalogues of its targets, and what is asked of these about held statements. */
export class StatementGuards {
  readonly #catalogues = new TargetCatalogues();
  readonly #estimates = new TargetEstimates();
  readonly #functions = new Map<string, ReadonlyMap<string, readonly string[]>>();
  #guard: Promise<Guard> | null = null;

  /** Makes the guard of one connection. The parser is loaded for the first one. */
  async open(channel: Channel, { database, settings }: { readonly database: string; readonly settings: ReadonlyMap<string, string> }): Promise<StatementGuard> {
    this.#guard ??= loadParser().then((parser) => new Guard(parser));
    const guard = await this.#guard;
    const path = settings.get('search_path');
    return new StatementGuard(channel, {
      guard,
      path: path === undefined ? null : splitPath(path),
      timeout: settings.get('statement_timeout') ?? '',
      functions: this.#operatorsFunctions(channel),
      enter: () => this.#catalogues.enter(channel, database),
      database,
      estimates: this.#estimates,
    });
  }

  /** Returns a function that tells what the operator says of functions. The target is another object when its options have changed. */
  #operatorsFunctions(channel: Channel): () => ReadonlyMap<string, readonly string[]> {
    let { target } = channel;
    let functions = this.#functionsOf(target);
    return () => {
      if (channel.target !== target) {
        ({ target } = channel);
        functions = this.#functionsOf(target);
      }
      return functions;
    };
  }

  /** Returns what the operator says of functions. Connections with the same words share the object. */
  #functionsOf(target: Channel['target']): ReadonlyMap<string, readonly string[]> {
    const { functions } = parseOptions(postgresOptions, target.options);
    const key = JSON.stringify(functions);
    const known = this.#functions.get(key) ?? new Map(Object.entries(functions));
    if (this.#functions.size >= functionsMax) {
      this.#functions.clear();
    }
    this.#functions.set(key, known);
    return known;
  }
}

/** The guard of one connection. */
export class StatementGuard {
  readonly facts: RequestFacts;
  readonly session: SessionState;
  readonly #channel: Channel;
  readonly #database: string;
  readonly #estimates: TargetEstimates;
  readonly #enter: () => TargetCatalogue;
  #catalogue: TargetCatalogue | null = null;

  constructor(
    channel: Channel,
    parts: {
      readonly guard: Guard;
      readonly path: readonly string[] | null;
      readonly timeout: string;
      readonly functions: () => ReadonlyMap<string, readonly string[]>;
      readonly enter: () => TargetCatalogue;
      readonly database: string;
      readonly estimates: TargetEstimates;
    },
  ) {
    const { guard, path, timeout, functions, enter, database, estimates } = parts;
    this.#channel = channel;
    this.#database = database;
    this.#estimates = estimates;
    this.#enter = enter;
    this.session = new SessionState({ guard, path, timeout, functions, objects: () => this.#catalogue?.objectsFor(channel) ?? null });
    this.facts = new RequestFacts(this.session, {
      changing: () => {
        this.#catalogue?.changing();
      },
      changed: (change) => {
        this.#catalogue?.changed(channel, change);
      },
      known: (wanted) => this.#catalogue?.known(channel, wanted) ?? null,
    });
  }

  /**
   * Begins to use the catalogue of the database, which is learned if no other client is connected to it. A recording has no user and no catalogue. `greeting` has
   * the parameters that the target reported at the login.
   */
  begin(greeting: readonly Buffer[]): void {
    if (greeting.some((message) => message.includes('standard_conforming_strings\0off\0'))) {
      // The target reads backslashes in another way than the parser.
      this.session.lose();
    }
    if (this.#channel.target.user !== '') {
      this.#catalogue = this.#enter();
    }
  }

  /** Returns a function that asks the target how many rows a unit would change; null if the unit is no statement that can be planned without any effect. */
  readonly estimate = (unit: Unit, encoding: string): AskEstimate | null => {
    const statement = this.facts.planned(unit, encoding);
    if (statement === null) {
      return null;
    }
    const question = { database: this.#database, statement, isSure: () => this.facts.isPlanned(statement) };
    return async (signal) => this.#estimates.ask(this.#channel, question, signal);
  };

  /** Ends the use of the catalogue. */
  end(): void {
    this.facts.ended();
    this.#catalogue?.leave(this.#channel);
  }
}
