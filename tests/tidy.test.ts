import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { parseSync, Visitor } from 'oxc-parser';
import { errorCodes } from '../gateway/src/domain/errors.ts';
import { ownAttributes } from '../gateway/src/domain/own-attributes.ts';
import { attributesDocument } from '../tools/attributes.ts';
import { configurationDocument } from '../tools/configuration.ts';
import { openApiDocument } from '../gateway/src/api/open-api.ts';
import { schemaModule } from '../tools/api-types.ts';

const root = join(import.meta.dirname, '..');

/** The folders of gateway/src that each folder may import, from the table in ARCHITECTURE.md. Folders with `all`, and the files beside the folders, put the others together. */
const mayImport: ReadonlyMap<string, readonly string[]> = new Map(
  [...read('ARCHITECTURE.md').matchAll(/^\| `([a-z]+)` \| .* \| ([a-z ]+) \|$/gm)].map(
    ([, folder = '', allowed = '']) => [folder, allowed === 'nothing' ? [] : allowed.split(' ')] as const,
  ),
);
const forbiddenNames = /^(utils?|helpers?|common|shared|misc|manager)s?$/;
const textFiles = '{ledger,gateway,cli,web,tests,bench,tools,examples,docs}/**/*.{ts,tsx,css,md,sh}';

function sources(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).filter((file) => !/node_modules|(?:^|\/)dist\//.test(file));
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Returns the imports of a file, as places in the repository: `gateway/src/wire/relay.ts`, `ledger`, or a bare package. */
function importsOf(file: string, text: string): string[] {
  const { module } = parseSync(file, text);
  return [...module.staticImports, ...module.staticExports.flatMap(({ entries }) => entries.filter(({ moduleRequest }) => moduleRequest !== null))].flatMap(
    (item) => {
      const wanted = item.moduleRequest?.value ?? '';
      const [, workspace] = /^@countersign\/([a-z]+)(?:\/|$)/.exec(wanted) ?? [];
      return workspace ?? (wanted.startsWith('.') ? posix.join(posix.dirname(file), wanted) : wanted);
    },
  );
}

/** Imports of gateway/src that the table forbids. */
function forbiddenImports(file: string, text: string): string[] {
  const folderOf = (path: string): string => path.split('/')[2] ?? '';
  const from = folderOf(file);
  const allowed = mayImport.get(from);
  if (allowed?.includes('all') === true) {
    return [];
  }
  if (allowed === undefined) {
    return from.endsWith('.ts') ? [] : [`${file}: the folder ${from} is not in the table`];
  }
  return importsOf(file, text).flatMap((wanted) => {
    const into = wanted.startsWith('gateway/src/') ? folderOf(wanted) : wanted === 'ledger' ? 'ledger' : null;
    const otherProtocol = from === 'protocols' && into === 'protocols' && file.split('/')[3] !== wanted.split('/')[3] && !file.endsWith('registry.ts');
    return into === null || (into === from && !otherProtocol) || allowed.includes(into) ? [] : [`${file} imports ${wanted}`];
  });
}

test('folders import only what the table allows', () => {
  const files = sources('gateway/src/**/*.ts').filter((file) => !file.endsWith('.test.ts') && !file.includes('/testdata/'));
  const seen = files.flatMap((file) => importsOf(file, read(file)));
  assert.ok(files.length > 50 && seen.length > 200, 'the rule saw the files');
  const folders = files.flatMap((file) => file.split('/')[2] ?? []).filter((name) => !name.endsWith('.ts'));
  assert.deepEqual([...mayImport.keys()].toSorted(), [...new Set(folders)].toSorted());
  assert.deepEqual(
    files.flatMap((file) => forbiddenImports(file, read(file))),
    [],
  );
  assert.equal(forbiddenImports('gateway/src/wire/x.ts', "import { y } from '../sessions/y.ts';").length, 1, 'the rule can fail');
  assert.equal(forbiddenImports('gateway/src/api/x.ts', "import { y } from '../offline/y.ts';").length, 1, 'the rule can fail');
  assert.equal(forbiddenImports('gateway/src/protocols/one/x.ts', "import { y } from '../two/y.ts';").length, 1, 'the rule can fail');
});

test('the vocabulary imports nothing of Node', () => {
  const files = sources('gateway/src/domain/*.ts').filter((file) => !file.endsWith('.test.ts'));
  assert.ok(files.length > 10);
  const outside = files.flatMap((file) => importsOf(file, read(file)).filter((wanted) => !wanted.startsWith('gateway/src/domain/')));
  assert.deepEqual([...new Set(outside)], ['zod']);
});

test('the ledger imports nothing of ours and nothing of Node', () => {
  const files = sources('ledger/src/*.ts').filter((file) => !file.endsWith('.test.ts'));
  assert.ok(files.length > 10);
  const outside = files.flatMap((file) => importsOf(file, read(file)).filter((wanted) => !wanted.startsWith('ledger/')));
  assert.deepEqual(outside, []);
  // The globals that Node adds are named in one file, because the verifier runs in browsers too.
  const named = files.filter((file) =>
    /\b(process|Buffer|global|require|setImmediate)\b|[^f] import\(/.test(read(file).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')),
  );
  assert.deepEqual(named, ['ledger/src/crypto.ts']);
});

/** Values of these classes change only by the calls below, by an assignment, or not at all. */
const plainClasses = /^(Set|Map|BlockList|URL|RegExp|TextEncoder|TextDecoder|(Int|Uint)\d+Array)$/;
const changingCalls = /^(set|add|addAddress|addRange|addSubnet|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin)$/;
/** Begins a process or a thread, which is all its own. */
const entryModules: ReadonlySet<string> = new Set([
  'gateway/src/main.ts',
  'gateway/src/reader-thread.ts',
  'gateway/src/index-thread.ts',
  'gateway/src/archive-thread.ts',
]);
const sharedState: readonly string[] = [
  // A trial of policies has a thread of its own, and the thread has nothing else.
  'gateway/src/policies/trial-step.ts: running',
  // A finding about a record is kept beside the record, for every reader that has it.
  'gateway/src/protocols/postgres/render-request.ts: cutBy',
  'gateway/src/protocols/postgres/render-response.ts: leftBy',
  // The event loop is one for all in a thread, and so is the order of its turns.
  'gateway/src/recording/turn.ts: last',
];

/** State that a module keeps for the whole process: variables, instances, and constants that a function changes. */
function moduleState(file: string, text: string): string[] {
  const { program } = parseSync(file, text);
  const found = new Set<string>();
  const constants = new Set<string>();
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type === 'VariableDeclaration') {
      for (const { id, init } of declaration.declarations) {
        const name = id.type === 'Identifier' ? id.name : text.slice(id.start, id.end);
        constants.add(name);
        const made = init?.type === 'NewExpression' ? init : null;
        if (declaration.kind !== 'const' || (made !== null && !(made.callee.type === 'Identifier' && plainClasses.test(made.callee.name)))) {
          found.add(name);
        }
      }
    } else if (statement.type === 'ImportDeclaration' && statement.source.value.startsWith('.')) {
      for (const { local } of statement.specifiers) {
        constants.add(local.name);
      }
    }
  }
  let depth = 0;
  const change = (expression: object): void => {
    const name = rootOf(expression);
    if (depth > 0 && name !== null && constants.has(name)) {
      found.add(name);
    }
  };
  const enter = (): void => {
    depth += 1;
  };
  const exit = (): void => {
    depth -= 1;
  };
  new Visitor({
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': exit,
    FunctionExpression: enter,
    'FunctionExpression:exit': exit,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': exit,
    AssignmentExpression: ({ left }) => {
      change(left);
    },
    UpdateExpression: ({ argument }) => {
      change(argument);
    },
    UnaryExpression: ({ operator, argument }) => {
      if (operator === 'delete') {
        change(argument);
      }
    },
    CallExpression: ({ callee }) => {
      if (callee.type === 'MemberExpression' && callee.property.type === 'Identifier' && changingCalls.test(callee.property.name)) {
        change(callee.object);
      }
    },
  }).visit(program);
  return [...found].map((name) => `${file}: ${name}`);
}

/** The variable of `variable`, `variable.member` and `variable[0].member`. */
function rootOf(expression: object): string | null {
  for (let at: unknown = expression; at instanceof Object; at = 'object' in at ? at.object : null) {
    if ('type' in at && at.type === 'Identifier' && 'name' in at) {
      return String(at.name);
    }
  }
  return null;
}

test('no module of the gateway keeps state: two gateways in one process share none', () => {
  const files = sources('gateway/src/**/*.ts').filter((file) => !/\.test\.ts$|\/testdata\//.test(file) && !entryModules.has(file));
  assert.deepEqual(files.flatMap((file) => moduleState(file, read(file))).toSorted(), sharedState);
  for (const text of [
    'let count = 0;',
    'const parts = new Parts();',
    'export const seen = new WeakMap<object, string>();',
    'const seen = new Set<string>(); function see(name: string) { seen.add(name); }',
    'const counts: Record<string, number> = {}; const count = (name: string) => { counts[name] = 1; };',
    "import { counts } from './counts.ts'; class Counter { count() { counts.all += 1; } }",
  ]) {
    assert.equal(moduleState('x.ts', text).length, 1, `the rule can fail: ${text}`);
  }
  assert.deepEqual(moduleState('x.ts', "const names = new Set(['a']); names.add('b'); const see = () => { const own = new Set(names); own.add('c'); };"), []);
});

/** Getters of object literals that may stay, each with its reason. */
const literalGetters: readonly string[] = [
  // The digest of an image is printed like any other member, and hardly anybody asks for it.
  'gateway/src/protocols/llm/transcript.ts: sha256',
];

/** The getters and setters of object literals. */
function accessorsOfLiterals(file: string, text: string): string[] {
  const found: string[] = [];
  new Visitor({
    ObjectExpression: ({ properties }) => {
      for (const property of properties) {
        if (property.type === 'Property' && property.kind !== 'init') {
          found.push(`${file}: ${text.slice(property.key.start, property.key.end)}`);
        }
      }
    },
  }).visit(parseSync(file, text).program);
  return found;
}

test('an object literal has no getter: V8 keeps all that a getter of a literal refers to until it collects the whole heap', () => {
  const files = sources('{gateway,ledger,cli}/src/**/*.ts').filter((file) => !/\.test\.ts$|\/testdata\//.test(file));
  assert.deepEqual(
    files.flatMap((file) => accessorsOfLiterals(file, read(file))),
    literalGetters,
  );
  assert.deepEqual(accessorsOfLiterals('x.ts', 'class Some { get one() { return 1; } } const two = () => ({ get three() { return 3; }, four: 4 });'), [
    'x.ts: three',
  ]);
});

test('only the gate makes grants', () => {
  const files = sources('{gateway,cli}/src/**/*.ts').filter(
    (file) => !file.endsWith('.test.ts') && !file.includes('/testdata/') && read(file).includes('new Grant('),
  );
  assert.deepEqual(files, ['gateway/src/sessions/gate.ts']);
});

/** Matches code that can open a connection: a call of `fetch`, a new socket, an import of a function of Node that connects, and an import of a whole module that has one. */
const opening = new RegExp(
  [
    /(?<!#)\bfetch\(|\bnew (Socket|WebSocket|EventSource)\(/,
    /\b(connect|createConnection|request|get|Agent)\b[^;]*\} from 'node:(net|tls|https?|http2)'/,
    /(import (\w|\*)[^;{]* from|import\() ?'node:(net|tls|https?|http2)'|'(node:dgram|undici|ws)'/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

test('B23: only the dialer opens connections to targets', () => {
  const files = sources('gateway/src/**/*.ts').filter((file) => !/\.test\.ts$|\/testdata\//.test(file) && opening.test(read(file)));
  assert.deepEqual(files.toSorted(), [
    // The script of its pages is for browsers.
    'gateway/src/api/pages/page.ts',
    // It is a client of the gateway.
    'gateway/src/protocols/mcp/bridge.ts',
    'gateway/src/wire/dialer.ts',
    // It begins TLS over a connection that was dialled.
    'gateway/src/wire/upstream-connection.ts',
  ]);
  for (const text of [
    "import { connect } from 'node:net';",
    "import {\n  get as ask,\n} from 'node:https';",
    "import * as net from 'node:net';",
    "import tls from 'node:tls';",
    "const { connect } = await import('node:net');",
    "import { request } from 'undici';",
    'await fetch(url)',
    'new WebSocket(url)',
  ]) {
    assert.match(text, opening);
  }
  assert.doesNotMatch("import { createServer } from 'node:net';\nimport type { Socket } from 'node:net';", opening);
});

test('T4.1, E40: small files are written whole, and secrets compared, in one place', () => {
  const files = sources('{gateway,cli}/src/**/*.ts').filter((file) => !/\.test\.ts$|\/testdata\/|^cli\/src\/(demo\/|commands\/demo\.ts)/.test(file));
  const naming = (pattern: RegExp): string[] => files.filter((file) => pattern.test(read(file)));
  assert.deepEqual(naming(/\b(writeFileSync|renameSync|appendFileSync)\(|await rename\(|\bopen(Sync)?\([^)\n]*, 'w/).toSorted(), [
    // Its file disappears with the command.
    'cli/src/serve-recording.ts',
    // It gives a whole directory its name.
    'gateway/src/offline/restore-from-bucket.ts',
    // A segment is recognised as begun or not by its first frame.
    'gateway/src/recording/journal-writer.ts',
    'gateway/src/store/whole-file.ts',
  ]);
  // SCRAM and the seals of rows compare what they have just computed.
  assert.deepEqual(naming(/timingSafeEqual\(/).toSorted(), [
    'gateway/src/identity/shown-secret.ts',
    'gateway/src/protocols/postgres/scram.ts',
    'gateway/src/store/row-seal.ts',
  ]);
});

test('a file of ours that is started by its path is found in a package too, where it has another ending', () => {
  const files = sources('{ledger,gateway,cli}/src/**/*.ts').filter((file) => !file.endsWith('.test.ts') && !file.includes('/testdata/'));
  const named = (text: string): boolean => /['"`][\w./-]*\w\.ts['"`]/.test(text.replaceAll(/\/\*[^]*?\*\/|\/\/.*|\bfrom '[^']*'|\bimport\('[^']*'\)/g, ''));
  assert.ok(named("new Worker(new URL('thread.ts', import.meta.url))") && !named("import { x } from './x.ts';"), 'the rule can fail');
  assert.deepEqual(
    files.filter((file) => named(read(file))),
    [],
  );
});

test('nobody outside protocols/ names a protocol', () => {
  // `http` is also what carries the API and other protocols.
  const ids = sources('gateway/src/protocols/*/index.ts')
    .map((file) => file.split('/')[3] ?? '')
    .filter((id) => id !== 'http');
  assert.ok(ids.length > 0);
  // The demo shows one protocol; it brings the sample database. The policy that init writes is about one.
  const exempt = /^(gateway\/src\/protocols\/|cli\/src\/demo\/|cli\/src\/commands\/(?:demo|init)\.ts)/;
  const named = sources('{gateway,cli,ledger}/src/**/*.ts')
    .filter((file) => !exempt.test(file) && !file.endsWith('.test.ts') && !file.includes('/testdata/'))
    .filter((file) => ids.some((id) => new RegExp(`['"\`.]${id}['"\`.]`).test(read(file).replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, ''))));
  assert.deepEqual(named, []);
});

test('names are kebab-case and say something', () => {
  // A file of a component has its name.
  const files = sources('{ledger,gateway,cli,web/src,tests,bench,tools}/**/*.{ts,tsx}');
  const wrong = files.filter((file) =>
    file
      .split('/')
      .some(
        (part) => !/^(?:[a-z0-9-]+(\.test)?(\.ts)?|main\.tsx|routes\.tsx|(?:[A-Z][a-z]+)+\.tsx)$/.test(part) || forbiddenNames.test(part.replace(/\.ts$/, '')),
      ),
  );
  assert.deepEqual(wrong, []);
});

test('an assertion of a type says why it is true', () => {
  const unexplained = sources('{ledger,gateway,cli,web}/src/**/*.{ts,tsx}')
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testdata/'))
    .flatMap((file) => {
      const lines = read(file).split('\n');
      return lines.flatMap((line, i) => {
        const asserts = /[\w)\]}] as (?!const\b)[A-Z{(]/.test(line.replaceAll(/'[^']*'|`[^`]*`/g, '')) && !/^\s*(import|export|\*|\/\/)/.test(line);
        const explained = [line, lines[i - 1] ?? '', lines[i - 2] ?? ''].some((near) => near.includes('//') || near.includes('*'));
        return asserts && !explained ? [`${file}:${i + 1}`] : [];
      });
    });
  assert.deepEqual(unexplained, []);
});

/** Comments that begin with a clause which has no subject of its own, or that name errors without a verb. */
function unplainComments(text: string): string[] {
  const comments = [...text.matchAll(/\/\*\*?[\s*]*([^]*?)\*\/|(?<!\/\/[^\n]*\n[ \t]*)(?<=^|[\s;,{(])\/\/ (.*)/g)].map(
    ([, block, line]) => block ?? line ?? '',
  );
  return comments.filter((comment) => /^(?:What|Of|The same) |\bErrors: /.test(comment));
}

test('a comment is a sentence that is understood alone, and errors are thrown or rejected with', () => {
  const files = sources('{ledger,gateway,cli,web/src,bench,tools,tests,examples}/**/*.{ts,tsx}').filter(
    (file) => !['tests/tidy.test.ts', 'web/src/api/schema.ts'].includes(file),
  );
  assert.ok(files.length > 500, 'the rule saw the files');
  assert.deepEqual(
    files.flatMap((file) => unplainComments(read(file)).map((comment) => `${file}: ${comment}`)),
    [],
  );
  for (const text of ['/** What a reader needs. */', '/**\n * Of the caller.\n */', 'f(); // The same again.', '/** Reads it. Errors: `malformed`. */']) {
    assert.equal(unplainComments(text).length, 1, `the rule can fail: ${text}`);
  }
  assert.deepEqual(unplainComments("// Some words\n// Of a sentence.\n/** Offers what is there. */ 'https://x.example // What'"), []);
});

test('text speaks of the project alone', () => {
  // This file names what it forbids.
  const files = sources(textFiles).filter((file) => file !== 'tests/tidy.test.ts');
  const machine = /\/work\/|\/root\/|TODO|FIXME|\.skip\(|\.only\(/;
  assert.ok(files.length > 100);
  assert.deepEqual(
    files.filter((file) => machine.test(read(file))),
    [],
  );
});

test('nothing is left of a merge', () => {
  const marker = /^(?:<{7}|>{7}|\|{7})(?: |$)|^={7}$/m;
  assert.deepEqual(
    [textFiles, '*.{md,json,yaml}'].flatMap(sources).filter((file) => marker.test(read(file))),
    [],
  );
});

test('T4.38: what a package shows to others is named, so that a file or an export that nobody uses is found', () => {
  const importers = sources('{ledger,gateway,cli,web,tests,bench,tools,examples}/**/*.ts').map((file) => [file, read(file)] as const);
  for (const name of ['gateway', 'ledger']) {
    const shown: Record<string, string> = JSON.parse(read(`${name}/package.json`)).exports;
    assert.ok(Object.keys(shown).length > 1);
    for (const [entry, file] of Object.entries(shown)) {
      assert.ok(existsSync(join(root, name, file)) && !/[*]|\.ts$/.test(entry), `${entry} names one file, without its ending`);
      const wanted = `'@countersign/${name}${entry.slice(1)}'`;
      assert.ok(
        importers.some(([importer, text]) => !importer.startsWith(`${name}/src/`) && text.includes(wanted)),
        `${entry} of ${name} is used elsewhere`,
      );
    }
  }
  const { workspaces } = JSON.parse(read('knip.json'));
  for (const { entry, includeEntryExports } of [workspaces.gateway, workspaces.ledger]) {
    assert.deepEqual(
      entry.filter((file: string) => file.includes('*') && !/\.test\.ts$|\/testdata\//.test(file)),
      [],
    );
    assert.equal(includeEntryExports, true);
  }
});

test('T4.35: docs/configuration.md is what the schemas of the configuration say', () => {
  assert.equal(read('docs/configuration.md'), configurationDocument(), 'node tools/configuration.ts writes it');
  for (const named of ['`channel_binding` | `prefer` |', '`wait` | `10m` |', '`webhook` |', '`fields` |']) {
    assert.ok(configurationDocument().includes(`\n| ${named}`), named);
  }
});

test('an attribute of our own is named in one table, which docs/attributes.md shows', () => {
  assert.equal(read('docs/attributes.md'), attributesDocument(), 'node tools/attributes.ts writes it');
  assert.deepEqual(tableNames('docs/attributes.md'), Object.values(ownAttributes).toSorted());
  const files = sources('{gateway,cli}/src/**/*.ts')
    .filter((file) => !/\.test\.ts$|\/testdata\/|\/own-attributes\.ts$/.test(file))
    .map((file) => [file, read(file)] as const);
  for (const [key, name] of Object.entries(ownAttributes)) {
    const inCamelCase = name.slice('countersign.'.length).replaceAll(/[._](\w)/g, (_, letter: string) => letter.toUpperCase());
    assert.equal(key, inCamelCase);
    assert.ok(
      files.some(([, text]) => new RegExp(`ownAttributes\\.${key}\\b`).test(text)),
      `${name} is used`,
    );
  }
  // Parameters of a PostgreSQL connection are no attributes.
  const named = (text: string): boolean => /(['"`])countersign\.(?!yaml\b|session\b|hold\b)[a-z0-9_.]+\1/.test(text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ''));
  assert.ok(named("{ 'countersign.count': 1 }") && !named("'countersign.yaml' /** `countersign.told` */"), 'the rule can fail');
  assert.deepEqual(
    files.filter(([, text]) => named(text)).map(([file]) => file),
    [],
  );
});

test('docs/openapi.json is what the endpoints of the API say, and what it refers to is there', () => {
  const text = read('docs/openapi.json');
  assert.deepEqual(JSON.parse(text), openApiDocument('0.1.0'), 'node tools/openapi.ts writes it');
  const document: OpenApi = JSON.parse(text);
  const references = [...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, place = '']) => place.split('/'));
  assert.ok(references.length > 100);
  for (const place of references) {
    const found = place.reduce((within: unknown, name) => Reflect.get(Object(within), name), document);
    assert.equal(typeof found, 'object', place.join('/'));
  }
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.values(methods).map((operation) => ({ path, ...operation })));
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length, 'each has an id of its own');
  for (const { path, operationId, parameters = [], requestBody, responses } of operations) {
    const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
    assert.deepEqual(named, path.match(/\{\w+\}/g) ?? [], operationId);
    const bodies = [requestBody, ...Object.values(responses)].flatMap((each) => Object.entries(each?.content ?? {}));
    assert.ok(bodies.length > 0, operationId);
    for (const [mediaType, { schema }] of bodies) {
      assert.ok(['application/octet-stream', 'application/cose'].includes(mediaType) || schema !== undefined, `${operationId} has a schema for ${mediaType}`);
    }
  }
});

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiBody {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

interface OpenApiOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: OpenApiBody;
  readonly responses: Readonly<Record<string, OpenApiBody>>;
}

/** First cells of the table rows of a Markdown file, without code marks. */
function tableNames(file: string): string[] {
  return [...read(file).matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? '').toSorted();
}

test('the console knows of the API what docs/openapi.json says', () => {
  // Formatting changes these, and nothing else.
  const plain = (text: string): string => text.replaceAll(/[\s'";|()]/g, '');
  assert.ok(plain(read('web/src/api/schema.ts')) === plain(schemaModule(JSON.parse(read('docs/openapi.json')))), 'node tools/openapi.ts writes it anew');
});

test('docs/errors.md and docs/dependencies.md are equal to the code', () => {
  assert.deepEqual(tableNames('docs/errors.md'), [...errorCodes].toSorted());
  const packages = ['package.json', 'ledger/package.json', 'gateway/package.json', 'cli/package.json', 'web/package.json'].map((file) =>
    JSON.parse(read(file)),
  );
  const names = packages.flatMap((each) => Object.keys({ ...each.dependencies, ...each.devDependencies, ...each.optionalDependencies }));
  const foreign = [...new Set(names)].filter((name) => !name.startsWith('@countersign/'));
  assert.deepEqual(tableNames('docs/dependencies.md'), foreign.toSorted());
});

/** Attacks that each have a test whose title begins with the row's name: `A4: ...`, `A1, D33: ...`, `T4.1, E40: ...`. */
const attackRows = [
  'A1',
  'A2',
  'A3',
  'A4',
  'A5',
  'A6',
  'A7',
  'A8',
  'A9',
  'A10',
  'A11',
  'A12',
  'A13',
  'A14',
  'B16',
  'B17',
  'B18',
  'B19',
  'B20',
  'B21',
  'B22',
  'B23',
  'B24',
  'B25',
  'C27',
  'C28',
  'C29',
  'C30',
  'C31',
  'C32',
  'D33',
  'D34',
  'D35',
  'D38',
  'D39',
  'E40',
  'E44',
  'E45',
  'E48',
  'E49',
  'E50',
  'E51',
  'E54',
  'E55',
];

function rowsNamed(text: string): string[] {
  const titles = text.matchAll(/\btest\(\s*['"`]((?:[A-E]|T4\.)\d+(?:, (?:[A-E]|T4\.)\d+)*): /g);
  return [...titles].flatMap(([, rows]) => rows?.split(', ') ?? []);
}

test('each attack row is named by a test', () => {
  const named = new Set(sources('{ledger,gateway,cli,tests}/**/*.test.ts').flatMap((file) => rowsNamed(read(file))));
  assert.deepEqual(
    attackRows.filter((row) => !named.has(row)),
    [],
  );
  assert.deepEqual(
    rowsNamed("test('A1, D33: x'); test(\n  `T4.2, E48: y`); test('not A4: z'); describe('B22: no test')"),
    ['A1', 'D33', 'T4.2', 'E48'],
    'the rule can fail',
  );
});

test('the lock file names no registry, so that each machine installs from its own', () => {
  const { packages }: { readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly link?: boolean }>> } = JSON.parse(
    read('package-lock.json'),
  );
  assert.ok(Object.keys(packages).length > 100);
  assert.deepEqual(
    Object.entries(packages).filter(([, { resolved, link }]) => resolved !== undefined && link !== true),
    [],
  );
});

test('each numbered list of a document counts from 1, without a gap', () => {
  const documents = sources('{*.md,docs/*.md,docs/adr/*.md}');
  assert.ok(documents.length > 20);
  const gaps = documents.flatMap((file) => {
    let last = 0;
    return read(file)
      .split('\n')
      .flatMap((line, i) => {
        const [, number] = /^(\d+)\. /.exec(line) ?? [];
        const before = last;
        last = number === undefined ? (line === '' || line.startsWith(' ') ? last : 0) : Number(number);
        return number === undefined || last === 1 || last === before + 1 ? [] : [`${file}:${i + 1} ${line.slice(0, 60)}`];
      });
  });
  assert.deepEqual(gaps, []);
});

test('each decision has its own number, which is that of its title', () => {
  const decisions = sources('docs/adr/*.md').map((file) => [/\/(\d{4})-/.exec(file)?.[1], /^# (\d+)\. /.exec(read(file))?.[1]?.padStart(4, '0')]);
  assert.ok(decisions.length > 60);
  assert.deepEqual(
    decisions.filter(([name, title], i) => name !== title || name === decisions[i + 1]?.[0]),
    [],
  );
});

test('the walks of ARCHITECTURE.md name files that are there, one in each step, and are short enough to be walked', () => {
  const text = read('ARCHITECTURE.md');
  const named = [...text.matchAll(/`((?:gateway|cli|ledger|tests|tools)\/[\w./-]+\.ts)`/g)].map(([, file]) => file ?? '');
  assert.ok(named.length > 40, 'the rule saw the files');
  assert.deepEqual(
    named.filter((file) => !existsSync(join(root, file))),
    [],
  );
  for (const [title, most] of [
    ['A statement, file by file', 10],
    ['A streamed answer, file by file', 16],
  ] as const) {
    const steps = (text.split(`### ${title}\n`)[1]?.split('\n### ')[0] ?? '').split('\n').filter((line) => /^\d+\. /.test(line));
    assert.ok(steps.length > 5 && steps.length <= most, `${title}: ${steps.length} steps`);
    assert.deepEqual(
      steps.filter((step) => step.match(/`[\w./-]+\.ts`/g)?.length !== 1),
      [],
      `${title}: each step names one file`,
    );
  }
});
