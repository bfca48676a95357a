/**
 * FILE holds `{"store": {path: base64}, "bundle": base64, "key": vkey, "authorities": PEM}`: verifies both with nothing but what a browser has, and prints what was found. What
 * Node adds to the globals is taken away, and its modules cannot be imported, before the verifier is loaded.
 */
import { readFileSync } from 'node:fs';
import { isBuiltin, registerHooks } from 'node:module';
import type { StoreFiles } from '../store-files.ts';

const { store, bundle, key, authorities }: { store: Record<string, string>; bundle: string; key: string; authorities: string } = JSON.parse(
  readFileSync(process.argv[2] ?? '', 'utf8'),
);
const contents = new Map(Object.entries(store).map(([path, base64]) => [path, new Uint8Array(Buffer.from(base64, 'base64'))]));
const bundleBytes = new Uint8Array(Buffer.from(bundle, 'base64'));
const print = process.stdout.write.bind(process.stdout);
registerHooks({
  resolve: (specifier, context, next) => {
    if (isBuiltin(specifier)) {
      throw new Error(`${specifier} is imported by ${context.parentURL}`);
    }
    return next(specifier, context);
  },
});
for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) {
  Reflect.deleteProperty(globalThis, name);
}

const files: StoreFiles = {
  list: async (directory) => {
    const below = [...contents.keys()].filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1));
    return Promise.resolve([...new Set(below.map((path) => path.replace(/\/.*$/, '/')))]);
  },
  size: async (path) => Promise.resolve(contents.get(path)?.length),
  read: async (path, offset, length) => Promise.resolve((contents.get(path) ?? new Uint8Array()).slice(offset, offset + length)),
};
const { verifyStore } = await import('../verify-store.ts');
const { verifyFile } = await import('../verify-file.ts');
const { parseCertificates } = await import('../certificate.ts');
const report = await verifyStore(files, { keys: [key], timestamps: parseCertificates(new TextEncoder().encode(authorities)) });
const file = await verifyFile(bundleBytes, { keys: [key] });
print(
  JSON.stringify({
    verdict: report.verdict,
    findings: report.findings,
    leaves: report.counts.leaves,
    bundle: file.verdict,
    stamped: report.timestamps?.newest?.authority,
  }),
);
