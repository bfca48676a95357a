/**
 * `npm run pack [-- DIRECTORY]` builds plain JavaScript and types, and packs two tarballs into DIRECTORY (`dist` by default): `countersign`, the command with
 * all its dependencies, and `countersign-ledger`, the verifier as a library. docs/adr/0032-packages.md says why. The same commit gives the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface LockedPackage {
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

const root = join(import.meta.dirname, '..');
/** The oldest Node that runs the sources. The package needs the same version, because features that came with it are used. */
const engines = { node: '>=24.12' };

const destination = resolve(process.argv[2] ?? join(root, 'dist'));
const work = mkdtempSync(join(tmpdir(), 'countersign-pack-'));
try {
  const built = join(work, 'built');
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json', '--outDir', built], { cwd: root, stdio: 'inherit' });
  const ledger = join(work, 'ledger');
  stageLibrary('ledger', built, ledger);
  const command = join(work, 'command');
  stageCommand(built, command);
  mkdirSync(destination, { recursive: true });
  for (const staged of [command, ledger]) {
    pack(staged);
  }
} finally {
  rmSync(work, { recursive: true });
}

/** Copies a workspace with its built files into a folder. The manifest there names the built files. */
function stageLibrary(workspace: string, built: string, staged: string): void {
  const { name, version, description, license, exports = {}, dependencies } = manifestOf(workspace);
  cpSync(join(built, workspace, 'src'), join(staged, 'src'), { recursive: true });
  copy('LICENSE', staged);
  const faces = Object.entries(exports).map(([face, source]) => {
    const file = source.replace(/\.ts$/, '');
    return [face, { types: `${file}.d.ts`, default: `${file}.js` }];
  });
  writeManifest(staged, { name, version, description, license, type: 'module', exports: Object.fromEntries(faces), engines, dependencies });
}

/**
 * Copies the command line into a folder, and everything that it imports into `node_modules` there, except the packages that only the demo needs: the demo asks
 * the user to install these.
 */
function stageCommand(built: string, staged: string): void {
  const { description = '', version, license } = manifestOf('.');
  const { optionalDependencies } = manifestOf('cli');
  for (const path of ['cli/src', 'examples']) {
    cpSync(join(built, path), join(staged, path), { recursive: true });
  }
  for (const path of ['cli/countersign', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'docs', 'deploy', 'examples/policies']) {
    copy(path, staged);
  }
  const workspaces = ['ledger', 'gateway', 'cli'];
  for (const workspace of ['ledger', 'gateway']) {
    stageLibrary(workspace, built, join(staged, 'node_modules', manifestOf(workspace).name));
  }
  stageConsole(join(staged, 'node_modules'));
  for (const path of lockedPaths()) {
    copy(path, staged);
  }
  const wanted = workspaces.flatMap((workspace) => Object.entries(manifestOf(workspace).dependencies ?? {}));
  const dependencies = Object.fromEntries(wanted.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  writeManifest(staged, {
    name: 'countersign',
    version,
    description,
    license,
    type: 'module',
    bin: { countersign: 'cli/countersign' },
    engines,
    dependencies,
    bundleDependencies: Object.keys(dependencies),
    // This is not a field of npm's own, because a global installation by npm 11 installs optional packages even if it is told to omit them.
    demoDependencies: Object.fromEntries(Object.entries(optionalDependencies ?? {}).filter(([name]) => !(name in dependencies))),
  });
}

/** Copies the console, as it was built, among the packages in a folder. */
function stageConsole(packages: string): void {
  const { name, version, license, exports } = manifestOf('web');
  const staged = join(packages, name);
  cpSync(join(root, 'web', 'dist'), join(staged, 'dist'), { recursive: true, filter: (file) => !file.endsWith('sources') });
  writeManifest(staged, { name, version, license, type: 'module', exports });
}

/** Returns the folders of the third-party packages that the gateway needs, as the lock file lists them. */
function lockedPaths(): string[] {
  const { packages }: { readonly packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const paths = Object.entries(packages).flatMap(([path, { link, dev, optional, devOptional }]) =>
    path.startsWith('node_modules/') && ![link, dev, optional, devOptional].includes(true) ? [path] : [],
  );
  // A folder is copied together with the folders inside it.
  return paths.filter((path) => !paths.some((outer) => path.startsWith(`${outer}/`)));
}

function manifestOf(workspace: string): Manifest {
  return JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
}

function writeManifest(staged: string, manifest: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function copy(path: string, staged: string): void {
  mkdirSync(dirname(join(staged, path)), { recursive: true });
  cpSync(join(root, path), join(staged, path), { recursive: true });
}

function pack(staged: string): void {
  const words = ['pack', '--silent', '--ignore-scripts', '--pack-destination', destination];
  const file = join(destination, execFileSync('npm', words, { cwd: staged, encoding: 'utf8' }).trim());
  const bytes = readFileSync(file);
  console.log(`${createHash('sha256').update(bytes).digest('hex')}  ${file}  ${(bytes.length / 1e6).toFixed(1)} MB`);
}
