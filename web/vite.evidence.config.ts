import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const source = join(import.meta.dirname, 'src');
const evidence = join(source, 'evidence');
/** What the page has in place of what the console has, because there is no gateway to ask: by the paths in `src`. */
const instead = new Map(
  [
    ['api/ask.ts', 'ask-file.ts'],
    ['parts/TraceLink.tsx', 'TraceText.tsx'],
    ['pages/integrity/known-log.ts', 'known-key.ts'],
  ].map(([of = '', by = '']) => [join(source, of), join(evidence, by)]),
);

const protocolFile = /\/gateway\/src\/protocols\/[a-z]+\/index\.ts$/;

const inPlace: Plugin = {
  name: 'in place of what asks a gateway',
  enforce: 'pre',
  async resolveId(wanted, importer, options) {
    const found = await this.resolve(wanted, importer, { ...options, skipSelf: true });
    const by = instead.get(found?.id ?? '');
    return by === undefined || importer === by ? found : by;
  },
};

const service = '\0service';

/** Leaves out what serves the clients of a protocol: the page shows what was recorded. */
const withoutServices: Plugin = {
  name: 'without services',
  enforce: 'pre',
  resolveId: (wanted, importer) => (wanted === './service.ts' && importer !== undefined && protocolFile.test(importer) ? service : null),
  load: (id) => (id === service ? "export const createService = () => { throw new Error('this page serves no clients'); };" : null),
};

/** Begins the ids of modules in the place of those of Node. */
const ofNode = '\0node:';

/** Gives the code that shows records what it needs of Node. Of the rest it has functions that are called by nothing which shows. */
const nodeParts: Plugin = {
  name: 'parts of Node',
  enforce: 'pre',
  resolveId: (wanted) => (isBuiltin(wanted) ? `${ofNode}${wanted.replace('node:', '')}` : null),
  async load(id) {
    if (!id.startsWith(ofNode)) {
      return null;
    }
    const name = id.slice(ofNode.length);
    const part = join(evidence, 'node', `node-${name.replaceAll('_', '-')}.ts`);
    const own = existsSync(part) ? Array.from(readFileSync(part, 'utf8').matchAll(/^export (?:class|function) (\w+)/gm), ([, key]) => key) : [];
    const has: object = await import(`node:${name}`);
    const exported = Object.keys(has).filter((key) => key !== 'default' && /^[A-Za-z_]\w*$/.test(key));
    return [
      ...(own.length === 0 ? [] : [`import { ${own.join(', ')} } from ${JSON.stringify(part)};`, `export { ${own.join(', ')} };`]),
      `const lacking = (name) => function () { throw new Error('node:${name} has no ' + name + ' here'); };`,
      ...exported.filter((key) => !own.includes(key)).map((key) => `export const ${key} = /* @__PURE__ */ lacking('${key}');`),
      `export default { ${exported.join(', ')} };`,
    ].join('\n');
  },
};

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Makes one page of the program and its styles, with a place for the evidence. It may ask for nothing, and runs nothing but what is in it. */
const onePage: Plugin = {
  name: 'one page',
  apply: 'build',
  generateBundle: {
    order: 'post',
    handler(_options, files) {
      let [program, style] = ['', ''];
      for (const [name, file] of Object.entries(files)) {
        delete files[name];
        if (file.type === 'chunk') {
          program += file.code;
        } else if (name.endsWith('.css')) {
          style += String(file.source);
        }
      }
      const code = `\n${program.replaceAll('</script', String.raw`<\/script`).replaceAll('<!--', String.raw`<\!--`)}`;
      const policy = `default-src 'none'; script-src ${hashOf(code)}; style-src ${hashOf(style)}; img-src data: blob:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'`;
      const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Countersign: evidence</title>
<style>${style}</style>
<body>
<div id="page"></div>
<noscript>This page needs JavaScript to verify and to show what is in it. Without: countersign verify FILE.</noscript>
<!-- evidence -->
<script type="module">${code}</script>
</body>
</html>
`;
      this.emitFile({ type: 'asset', fileName: 'evidence.html', source: page });
      this.emitFile({ type: 'asset', fileName: 'evidence.html.gz', source: gzipSync(page, { level: 9 }) });
    },
  },
};

/** The page that holds evidence: one file. */
export default defineConfig({
  plugins: [nodeParts, withoutServices, inPlace, onePage],
  build: {
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    // The folder has the console already.
    emptyOutDir: false,
    rolldownOptions: {
      input: join(evidence, 'main.tsx'),
      output: { codeSplitting: false },
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
});
