/**
 * The layers of the house, checked by dependency-cruiser in `npm run check`:
 * renderer → preload ← main, and each native package in the folders that own it.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const product = '^(main|preload|renderer)/';

/** A rule that keeps an npm package inside the places that own it (types included). */
const only = (npmPackage, owners, why) => ({
  name: `only-${npmPackage}-in-its-place`,
  comment: why,
  severity: 'error',
  from: { path: product, pathNot: owners },
  to: { path: `(^|/)node_modules/${npmPackage}(/|$)|^${npmPackage}$` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-folder-cycles',
      comment: 'Arrows between folders run one way, so that a room can be read without its guests.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^(main|preload|renderer)/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'A module that is not there, or a package that package.json does not name.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'renderer-speaks-only-the-contract',
      comment: 'The renderer has no Node and no main: what it may know stands in preload/.',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(main|test)/' },
    },
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'main-never-draws',
      severity: 'error',
      from: { path: '^main/' },
      to: { path: '^(renderer|test)/' },
    },
    {
      name: 'preload-imports-nobody-here',
      severity: 'error',
      from: { path: '^preload/' },
      to: { path: '^(main|renderer|test)/' },
    },
    {
      name: 'pixels-know-no-jobs',
      comment:
        'raw/ and develop/ are given what they need: no jobs, session, settings or files to write.',
      severity: 'error',
      from: { path: '^main/(raw|develop)/' },
      to: {
        path: '^(preload/|main/(?!raw/|develop/))',
        pathNot: '^main/(base/(refusal|small-file)\\.ts$|process/)',
      },
    },
    {
      name: 'only-decoding-has-threads',
      comment: 'The rest of raw/ and develop/ runs where it is called.',
      severity: 'error',
      from: { path: '^main/(raw|develop)/', pathNot: '^main/raw/decode(-calls|-worker)?\\.ts$' },
      to: { path: '^main/process/' },
    },
    {
      name: 'the-wall-knows-nobody',
      comment: 'What is asked through the wall between processes stands with whoever answers it.',
      severity: 'error',
      from: { path: '^main/process/' },
      to: { path: '^(preload/|main/(?!process/|base/refusal\\.ts$))' },
    },
    only(
      'electron',
      '^(main/electron\\.ts|main/electron/|preload/index\\.ts)',
      'Everything else also runs headless, in plain Node.',
    ),
    only(
      'electron-updater',
      '^main/electron/update\\.ts$',
      'The one part of the app that speaks to anybody.',
    ),
    only(
      'onnxruntime-node',
      '^main/(network|training)/',
      'One place knows how sessions are made and die.',
    ),
    only(
      'sharp',
      '^main/(export/|training/pictures\\.ts$)',
      "Its bundled GLib clashes with Electron's on Linux: it is loaded in child processes only.",
    ),
    {
      name: 'no-dev-packages-in-the-product',
      severity: 'error',
      from: { path: product, pathNot: '^renderer/|\\.build\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/(electron|@types)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.svelte'],
    },
  },
};
