import { administerEffects, anythingEffects, destroyEffects, readEffects, writeEffects, type Effect } from '../../../domain/effects.ts';
import type { SqlToken } from './lexer.ts';

/** A statement by its first words. */
export interface StatementKind {
  /** The name that policies know: `select`, `drop_table`. */
  readonly kind: string;
  /** Its effects at most, without those of functions that it calls. */
  readonly effects: readonly Effect[];
  /** True if it has expressions, in which functions may be called. */
  readonly hasExpressions: boolean;
}

const defineEffects: readonly Effect[] = Object.freeze(['define'] as const);
const dropEffects: readonly Effect[] = Object.freeze(['define', 'destroy', 'write'] as const);
const codeEffects: readonly Effect[] = Object.freeze(['define', 'execute', 'unknown'] as const);
const callEffects: readonly Effect[] = Object.freeze(['execute', 'unknown'] as const);

/** Words of which one says what is created, changed or dropped. */
const objects = new Set(
  'TABLE VIEW INDEX DATABASE SCHEMA SEQUENCE TRIGGER FUNCTION PROCEDURE PACKAGE EVENT USER ROLE SERVER TABLESPACE LOGFILE INSTANCE PREPARE UNDO RESOURCE SPATIAL'.split(
    ' ',
  ),
);
const codeObjects = new Set(['trigger', 'function', 'procedure', 'package', 'event']);
const accountObjects = new Set(['user', 'role', 'server', 'instance', 'tablespace', 'logfile', 'undo', 'resource', 'spatial']);
/** Words of ALTER TABLE with which values may be lost. */
const losing = new Set('IGNORE DROP MODIFY CHANGE CONVERT TRUNCATE EXCHANGE DISCARD IMPORT COALESCE REMOVE REORGANIZE RENAME'.split(' '));
/** Engines that keep what is in a table within the server. */
const ownEngines = new Set('INNODB MYISAM ARIA MEMORY HEAP ARCHIVE CSV BLACKHOLE ROCKSDB MRG_MYISAM SEQUENCE'.split(' '));
/** The words before objects in CREATE and DROP: `CREATE OR REPLACE DEFINER = ann@host SQL SECURITY INVOKER VIEW`. */
const headTokensMax = 24;
/** The words with which a statement begins that is explained or analysed. */
const explained = new Set('SELECT INSERT REPLACE UPDATE DELETE WITH VALUES'.split(' '));
const changing = new Set('INSERT REPLACE UPDATE DELETE'.split(' '));

const reading = (kind: string, hasExpressions = false): StatementKind => ({ kind, effects: readEffects, hasExpressions });
const administering = (kind: string): StatementKind => ({ kind, effects: administerEffects, hasExpressions: false });
const anything: StatementKind = { kind: 'other', effects: anythingEffects, hasExpressions: false };

type KindOf = (words: readonly string[], tokens: readonly SqlToken[]) => StatementKind;

/** Each first word with what it says. What is not here may do anything. */
const byFirstWord: ReadonlyMap<string, StatementKind | KindOf> = new Map<string, StatementKind | KindOf>([
  ['SELECT', select],
  ['VALUES', select],
  ['TABLE', select],
  ['WITH', (words) => (words.some((word) => changing.has(word)) ? { kind: 'with', effects: destroyEffects, hasExpressions: true } : select(words))],
  ['INSERT', { kind: 'insert', effects: writeEffects, hasExpressions: true }],
  ['REPLACE', { kind: 'replace', effects: destroyEffects, hasExpressions: true }],
  ['UPDATE', { kind: 'update', effects: writeEffects, hasExpressions: true }],
  ['DELETE', { kind: 'delete', effects: destroyEffects, hasExpressions: true }],
  ['TRUNCATE', { kind: 'truncate', effects: destroyEffects, hasExpressions: false }],
  ['LOAD', load],
  ['CREATE', create],
  ['ALTER', alter],
  ['DROP', drop],
  ['RENAME', (words) => (words[1] === 'USER' ? administering('rename_user') : { kind: 'rename_table', effects: defineEffects, hasExpressions: false })],
  ['SET', set],
  ['DO', reading('do', true)],
  ['CALL', { kind: 'call', effects: callEffects, hasExpressions: true }],
  ['HANDLER', reading('handler', true)],
  ['SHOW', (words) => reading('show', words.includes('WHERE'))],
  ['HELP', reading('help')],
  ['USE', reading('use')],
  ['CHECK', reading('check')],
  ['CHECKSUM', reading('checksum')],
  ['DESCRIBE', explain],
  ['DESC', explain],
  ['EXPLAIN', explain],
  ['ANALYZE', (words, tokens) => (words.some((word) => explained.has(word)) ? inner(tokens) : administering('analyze'))],
  ['START', (words) => (words[1] === 'TRANSACTION' ? reading('begin') : administering('start'))],
  ['BEGIN', (_words, tokens) => (tokens.length === 1 || (tokens.length === 2 && upper(tokens[1]) === 'WORK') ? reading('begin') : anything)],
  ['COMMIT', reading('commit')],
  ['ROLLBACK', reading('rollback')],
  ['SAVEPOINT', reading('savepoint')],
  ['RELEASE', reading('release')],
  ['PREPARE', reading('prepare', true)],
  ['DEALLOCATE', reading('deallocate')],
  ['UNLOCK', reading('unlock')],
  ['LOCK', administering('lock')],
  ['GRANT', administering('grant')],
  ['REVOKE', administering('revoke')],
  ['KILL', administering('kill')],
  ['FLUSH', administering('flush')],
  ['RESET', administering('reset')],
  ['PURGE', administering('purge')],
  ['OPTIMIZE', administering('optimize')],
  ['REPAIR', administering('repair')],
  ['CACHE', administering('cache')],
  ['CHANGE', administering('change')],
  ['STOP', administering('stop')],
  ['XA', administering('xa')],
  ['BACKUP', administering('backup')],
  ['SHUTDOWN', administering('shutdown')],
]);

/** Returns what a statement is by its first words, and by words that change that wherever they stand. Quoted names are no words. */
export function kindOfStatement(tokens: readonly SqlToken[]): StatementKind {
  const first = tokens.findIndex(({ text }) => text !== '(');
  const rest = first <= 0 ? tokens : tokens.slice(first);
  const words = rest.map(upper);
  const known = byFirstWord.get(words[0] ?? '');
  if (known === undefined || (first > 0 && known !== select)) {
    return anything;
  }
  return typeof known === 'function' ? known(words, rest) : known;
}

function upper(token: SqlToken | undefined): string {
  return token?.kind === 'word' ? token.text.toUpperCase() : '';
}

function select(words: readonly string[]): StatementKind {
  if (words.includes('PROCEDURE')) {
    return anything;
  }
  const effects = new Set<Effect>(['read']);
  words.forEach((word, at) => {
    if (word === 'INTO' && ['OUTFILE', 'DUMPFILE'].includes(words[at + 1] ?? '')) {
      effects.add('administer').add('write');
    } else if ((word === 'NEXT' && words[at + 1] === 'VALUE') || word === 'NEXTVAL') {
      effects.add('write');
    }
  });
  return { kind: 'select', effects: effects.size === 1 ? readEffects : [...effects].toSorted(), hasExpressions: true };
}

/** A file of the server is a matter of who administers it. */
function load(words: readonly string[]): StatementKind {
  if (words[1] !== 'DATA' && words[1] !== 'XML') {
    return administering('load');
  }
  const effects = new Set<Effect>([...(words.includes('REPLACE') ? destroyEffects : writeEffects), ...(words.includes('LOCAL') ? [] : administerEffects)]);
  return { kind: 'load_data', effects: [...effects].toSorted(), hasExpressions: true };
}

function objectIn(words: readonly string[]): string {
  const found = words.slice(1, headTokensMax).find((word) => objects.has(word)) ?? 'other';
  return (found === 'SCHEMA' ? 'DATABASE' : found).toLowerCase();
}

function create(words: readonly string[]): StatementKind {
  const object = objectIn(words);
  const kind = `create_${object}`;
  const isReplacing = words[1] === 'OR' && words[2] === 'REPLACE';
  if (accountObjects.has(object)) {
    return administering(kind);
  }
  if (object === 'other' || codeObjects.has(object)) {
    return { kind, effects: object === 'other' || isReplacing ? anythingEffects : codeEffects, hasExpressions: false };
  }
  const effects = new Set<Effect>(isReplacing ? dropEffects : defineEffects);
  const isCopying = object === 'table' && words.some((word) => word === 'SELECT' || word === 'VALUES' || word === 'WITH');
  if (isCopying) {
    effects.add('read').add('write');
  }
  if (hasOtherEngine(words) || words.includes('CONNECTION') || words.includes('DIRECTORY') || words.includes('UNION')) {
    effects.add('unknown');
  }
  return { kind, effects: [...effects].toSorted(), hasExpressions: isCopying };
}

function hasOtherEngine(words: readonly string[]): boolean {
  return words.some((word, at) => word === 'ENGINE' && !ownEngines.has(words[at + 1] === '' ? (words[at + 2] ?? '') : (words[at + 1] ?? '')));
}

function alter(words: readonly string[]): StatementKind {
  const object = objectIn(words);
  const kind = `alter_${object}`;
  if (accountObjects.has(object)) {
    return administering(kind);
  }
  if (object === 'event' || object === 'other' || object === 'package' || object === 'trigger' || object === 'prepare') {
    return { kind, effects: object === 'event' ? codeEffects : anythingEffects, hasExpressions: false };
  }
  const effects = new Set<Effect>(object === 'table' && words.some((word) => losing.has(word)) ? dropEffects : defineEffects);
  if (hasOtherEngine(words) || words.includes('CONNECTION') || words.includes('UNION')) {
    effects.add('unknown');
  }
  return { kind, effects: [...effects].toSorted(), hasExpressions: false };
}

function drop(words: readonly string[]): StatementKind {
  const object = objectIn(words);
  if (object === 'prepare') {
    return reading('deallocate');
  }
  const effects = accountObjects.has(object) ? [...administerEffects, ...dropEffects] : dropEffects;
  return { kind: `drop_${object}`, effects, hasExpressions: false };
}

function set(words: readonly string[]): StatementKind {
  if (words[1] === 'STATEMENT') {
    return anything;
  }
  const isAdministering = words.some((word) => ['GLOBAL', 'PERSIST', 'PERSIST_ONLY', 'PASSWORD', 'ROLE', 'SQL_LOG_BIN', 'RESOURCE'].includes(word));
  return isAdministering ? { ...administering('set'), hasExpressions: true } : reading('set', true);
}

/** A plan is read. EXPLAIN ANALYZE runs what it explains. */
function explain(words: readonly string[], tokens: readonly SqlToken[]): StatementKind {
  if (words[1] === 'ANALYZE') {
    return inner(tokens);
  }
  return reading(
    'explain',
    words.some((word) => explained.has(word) || word === 'TABLE'),
  );
}

/** The statement within another one. */
function inner(tokens: readonly SqlToken[]): StatementKind {
  const at = tokens.findIndex((token) => explained.has(upper(token)));
  return at === -1 ? anything : kindOfStatement(tokens.slice(at));
}

/** The kinds that statements have, for policies. */
export const statementKinds = [
  ...'select with insert replace update delete truncate load_data load rename_user rename_table set do call handler show help use check checksum'.split(' '),
  ...'explain analyze begin start commit rollback savepoint release prepare deallocate unlock lock grant revoke kill flush reset purge optimize repair'.split(
    ' ',
  ),
  ...'cache change stop xa backup shutdown other'.split(' '),
  ...['create', 'alter', 'drop'].flatMap((verb) =>
    [...new Set([...objects, 'other'])].map((object) => `${verb}_${(object === 'SCHEMA' ? 'DATABASE' : object).toLowerCase()}`),
  ),
].filter((kind, at, all) => all.indexOf(kind) === at);
