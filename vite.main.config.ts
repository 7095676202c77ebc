/** How the main process is bundled for the package: JavaScript for Node, without types to strip or files to find. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/**
 * Makes an entry of the bundle of each file that the code names as `new URL('./file', import.meta.url)`,
 * which is how the sources name the programs of child processes and threads, and data beside the code.
 */
function filesByAddress(): Plugin {
  const address = /new URL\('([^']+)', import\.meta\.url\)/g;
  return {
    name: 'files-by-address',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('.ts') || id.includes('node_modules')) return;
      return code.replace(address, (_whole, file: string) => {
        const place = path.resolve(path.dirname(id), file);
        const reference = file.endsWith('.ts')
          ? this.emitFile({ type: 'chunk', id: place })
          : this.emitFile({ type: 'asset', name: file, source: readFileSync(place) });
        return `new URL(import.meta.ROLLUP_FILE_URL_${reference})`;
      });
    },
    // Vite's own answer is an address on a server.
    resolveFileUrl: ({ relativePath }) => `new URL('${relativePath}', import.meta.url).href`,
  };
}

export default defineConfig({
  plugins: [filesByAddress()],
  build: {
    ssr: true,
    ssrEmitAssets: true,
    outDir: 'out/main',
    emptyOutDir: true,
    target: 'node24',
    minify: false,
    rolldownOptions: {
      input: { cli: 'main/cli.ts', electron: 'main/electron.ts' },
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'chunks/[name]-[hash].js',
        assetFileNames: 'chunks/[name][extname]',
      },
    },
  },
  // Native code and wasm stay in node_modules. What else the main process uses is bundled.
  ssr: {
    noExternal: true,
    external: [
      'electron',
      'electron-updater',
      'libraw-wasm',
      'onnxruntime-node',
      'sharp',
      'wasm-vips',
    ],
  },
});
