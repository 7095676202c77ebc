/** `npm run bench -- NAME …`: one of the benchmarks; without a name, the develop line's. */

const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  develop: () => import('./develop.ts'),
  hand: () => import('./hand.ts'),
  step: () => import('./step.ts'),
  loop: () => import('./loop.ts'),
  mutate: () => import('./mutate.ts'),
  burst: () => import('./burst.ts'),
  xtrans: () => import('./xtrans.ts'),
};

const [name = 'develop'] = process.argv.slice(2);
const isName = !name.startsWith('-');
const bench = benches[isName ? name : 'develop'];
if (bench === undefined) {
  console.error(`expected one of ${Object.keys(benches).join(', ')} but received ${name}`);
  process.exitCode = 2;
} else {
  // Each reads its own arguments from the process's.
  if (isName && process.argv.length > 2) process.argv.splice(2, 1);
  await bench();
}
