/** `npm run check`: every check of the house side by side, a line for each, and the words of those that failed. */
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

interface Check {
  readonly name: string;
  /** The npm package whose program runs. */
  readonly tool: string;
  readonly args: readonly string[];
  /** Why there is nothing to check yet; absent where there is. */
  readonly skipped?: string;
}

interface Outcome {
  readonly check: Check;
  readonly passed: boolean;
  readonly output: string;
  readonly elapsedMs: number;
}

const root = join(import.meta.dirname, '..');
const hasSvelte = globSync('renderer/**/*.svelte', { cwd: root }).length > 0;
const layers = ['main', 'preload', 'renderer', 'test'].filter((folder) =>
  existsSync(join(root, folder)),
);

/** What has not changed since the last check here is not looked at again; a fresh clone looks at all. */
const cache = (file: string): string => join('node_modules', '.cache', file);

/** Longest first: on two cores the short ones fill the second while the linter runs. */
const checks: readonly Check[] = [
  {
    name: 'lint',
    tool: 'eslint',
    args: [
      ...['--cache', '--cache-strategy', 'content', '--cache-location', cache('eslint.json')],
      ...['--max-warnings', '0', '.'],
    ],
  },
  {
    name: 'types',
    tool: 'typescript',
    args: [
      ...['-p', '.', '--pretty', 'false'],
      ...['--incremental', '--tsBuildInfoFile', cache('types.tsbuildinfo')],
    ],
  },
  {
    name: 'svelte-check',
    tool: 'svelte-check',
    args: ['--tsconfig', './tsconfig.json', '--fail-on-warnings'],
    ...(hasSvelte ? {} : { skipped: 'no .svelte file yet' }),
  },
  {
    name: 'format',
    tool: 'prettier',
    args: [
      '--check',
      '--log-level',
      'warn',
      '--cache',
      '--cache-location',
      cache('prettier.json'),
      '.',
    ],
  },
  {
    name: 'layers',
    tool: 'dependency-cruiser',
    args: ['--config', 'test/layers.cjs', ...layers],
  },
  { name: 'unused code', tool: 'knip', args: ['--treat-config-hints-as-errors'] },
];

const toolSchema = z.object({
  bin: z.union([z.string(), z.record(z.string(), z.string())]),
});

/** The program's script, for Node to run: npm's own links in `.bin` are no scripts on Windows. */
function scriptOf(tool: string): string {
  const folder = join(root, 'node_modules', tool);
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { bin } = toolSchema.parse(manifest);
  const programs: Readonly<Record<string, string>> =
    typeof bin === 'string' ? { [tool]: bin } : bin;
  const script = programs[tool === 'typescript' ? 'tsc' : tool];
  if (script === undefined) throw new Error(`${tool} has no program of its own name`);
  return join(folder, script);
}

function run(check: Check): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const output: Buffer[] = [];
    const child = spawn(process.execPath, [scriptOf(check.tool), ...check.args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer): void => {
      output.push(chunk);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({
        check,
        passed: code === 0,
        output: Buffer.concat(output).toString(),
        elapsedMs: performance.now() - startMs,
      });
    });
  });
}

/** Takes checks from the shared queue until it is empty. */
async function work(queue: Check[], outcomes: Outcome[]): Promise<void> {
  for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
    if (check.skipped !== undefined) {
      console.log(`skip  ${check.name}: ${check.skipped}`);
      continue;
    }
    const outcome = await run(check);
    outcomes.push(outcome);
    const seconds = (outcome.elapsedMs / 1000).toFixed(1);
    console.log(`${outcome.passed ? 'ok   ' : 'FAIL '} ${check.name} (${seconds} s)`);
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  const names = checks.map((check) => check.name).join(', ');
  console.error(`expected checks out of ${names} but received ${unknown.join(', ')}`);
  process.exit(2);
}

const queue = checks.filter((check) => wanted.length === 0 || wanted.includes(check.name));
const outcomes: Outcome[] = [];
const workers = Math.min(availableParallelism(), 4);
await Promise.all(Array.from({ length: workers }, () => work(queue, outcomes)));

const failed = outcomes.filter((outcome) => !outcome.passed);
for (const { check, output } of failed) console.log(`\n── ${check.name} ──\n${output.trimEnd()}`);
console.log(
  failed.length === 0
    ? `\n${outcomes.length} checks passed`
    : `\n${failed.length} of ${outcomes.length} checks failed: ${failed.map(({ check }) => check.name).join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
