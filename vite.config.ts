/** How the renderer is built: Svelte components into one page that loads nothing from elsewhere. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'renderer',
  // Relative addresses: the same page is served over loopback HTTP and from the app's own files.
  base: './',
  plugins: [svelte({ configFile: '../svelte.config.js' })],
  build: {
    outDir: '../out/renderer',
    emptyOutDir: true,
    target: 'chrome140',
    // Everything is a file of its own: the page's policy allows no data: scripts, fonts or styles.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
});
