/** Svelte's settings, read by its compiler, svelte-check and the linter. */
export default {
  compilerOptions: { runes: true },
};
