import { conditionsIn, lexSql } from './guard/lexer.ts';

/** Who opened a connection, and the number that the target has given it. */
interface OwnConnection {
  readonly principal: string;
  readonly target: string;
  readonly thread: number;
}

/** The open connections of a gateway, by the numbers that their clients were told. */
export class OwnConnections {
  readonly #open = new Map<number, OwnConnection>();

  add(number: number, connection: OwnConnection): void {
    this.#open.set(number, connection);
  }

  remove(number: number): void {
    this.#open.delete(number);
  }

  /** Returns the number at the target of a connection of a principal there. `number` is the one that its client was told, or that of the target. Null: it has none. */
  find(number: number, { principal, target }: Pick<OwnConnection, 'principal' | 'target'>): number | null {
    const isOwn = (connection: OwnConnection): boolean => connection.principal === principal && connection.target === target;
    const told = this.#open.get(number);
    if (told !== undefined && isOwn(told)) {
      return told.thread;
    }
    return [...this.#open.values()].some((connection) => isOwn(connection) && connection.thread === number) ? number : null;
  }
}

/** A statement that ends a connection, or what runs in it. */
export interface Kill {
  readonly number: number;
  /** Writes the statement with another number. */
  compose(number: number): string;
}

/** Reads a KILL with a number. Null: the text is something else, or names what it ends in another way. */
export function readKill(sql: string): Kill | null {
  const lexed = lexSql(sql, { isAnsiQuotes: false, isWithoutEscapes: false, running: new Set(conditionsIn(sql)) });
  const [tokens, ...others] = 'statements' in lexed ? lexed.statements : [];
  if (tokens === undefined || others.length > 0 || tokens.some(({ kind }) => kind !== 'word')) {
    return null;
  }
  const [, words = '', number = ''] = /^(KILL(?: HARD| SOFT)?(?: CONNECTION| QUERY)?) (\d{1,10})$/i.exec(tokens.map(({ text }) => text).join(' ')) ?? [];
  return number === '' ? null : { number: Number(number), compose: (other) => `${words} ${other}` };
}
