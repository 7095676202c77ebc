/** How the preload script is built: a sandboxed window takes one CommonJS file and nothing else. */
import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    lib: { entry: 'preload/index.ts', formats: ['cjs'], fileName: () => 'index.cjs' },
    outDir: 'out/preload',
    emptyOutDir: true,
    minify: false,
    target: 'chrome140',
    rolldownOptions: { external: ['electron'] },
  },
});
