import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Puts a compressed copy beside each file that is built, because the gateway sends these. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  generateBundle: {
    order: 'post',
    handler(_options, files) {
      for (const [fileName, file] of Object.entries(files)) {
        this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source: gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }) });
      }
    },
  },
};

export default defineConfig({
  plugins: [compressed],
  build: {
    target: 'es2024',
    // The policy of the page allows no data in place of a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Packages name themselves as for clients alone, which all of this is. How long the build took is of no interest to who starts the gateway.
    rolldownOptions: { checks: { moduleLevelDirective: false, pluginTimings: false } },
  },
});
