/**
 * The front door of every npm script: installs what is missing, then runs the program or tool under
 * Node 24. Plain JavaScript without dependencies, because it must run on a bare Node 20.
 *
 * Usage: node bootstrap.mjs cli|test|check|bench [arguments of that program]
 * Its own messages go to stderr, so that stdout belongs to the program (`--json`).
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const isWindows = process.platform === 'win32';
const neededNodeMajor = 24;

/** What each word runs, as arguments to Node, relative to the repository. */
const programs = {
  cli: ['main/cli.ts'],
  test: ['node_modules/vitest/vitest.mjs', 'run'],
  check: ['test/check.ts'],
  bench: ['test/bench/bench.ts'],
};

const say = (message) => process.stderr.write(`nightglass: ${message}\n`);

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

/** npm's own record of what it last installed, held against the lock file; optional packages may be absent. */
function isInstalled() {
  const wanted = readJson('package-lock.json')?.packages;
  const present = readJson('node_modules/.package-lock.json')?.packages;
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || (entry.optional && !present[path])) return true;
    return present[path]?.version === entry.version;
  });
}

/** Where npm puts the Node of this platform, if it carries one. */
function packagedNode() {
  const platform = isWindows ? 'win' : process.platform;
  const file = isWindows ? 'node.exe' : 'node';
  return join(root, 'node_modules', `node-${platform}-${process.arch}`, 'bin', file);
}

/** Path of a Node that is new enough: the one running now, else the one that npm installed; undefined if neither. */
function findNode() {
  const runningMajor = Number(process.versions.node.split('.')[0]);
  if (runningMajor >= neededNodeMajor && existsSync(process.execPath)) return process.execPath;
  const packaged = packagedNode();
  return existsSync(packaged) ? packaged : undefined;
}

/**
 * Runs a command to its end, passing signals on; gives { code, signal } of the command, and `asked`, the
 * last signal passed on (some programs, npm among them, turn a signal into an ordinary failure).
 *
 * On Ctrl-C the terminal signals the whole process group and npm signals its child once more. So the
 * command gets a session of its own, hears signals from here only, and a repeat of the same signal
 * within a second counts as the same key press. Windows consoles do this by themselves.
 */
function runToEnd(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, detached: !isWindows, ...options });
    const lastSentMs = new Map();
    const handlers = new Map();
    let asked;
    const on = (signal, handler) => {
      handlers.set(signal, handler);
      process.on(signal, handler);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      on(signal, () => {
        const nowMs = Date.now();
        if (nowMs - (lastSentMs.get(signal) ?? -Infinity) < 1000) return;
        lastSentMs.set(signal, nowMs);
        asked = signal;
        if (!isWindows) child.kill(signal);
      });
    }
    if (!isWindows) {
      on('SIGWINCH', () => child.kill('SIGWINCH'));
      on('SIGCONT', () => child.kill('SIGCONT'));
      on('SIGTSTP', () => {
        child.kill('SIGSTOP');
        process.kill(process.pid, 'SIGSTOP');
      });
    }
    options.onStart?.(child);
    const finish = (settle, value) => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      settle(value);
    };
    child.on('error', (error) => finish(reject, error));
    child.on('close', (code, signal) => finish(resolve, { code, signal, asked }));
  });
}

/** Ends this process the way the child ended, so that shells and npm see the same. */
function endLike({ code, signal }) {
  if (signal) process.kill(process.pid, signal);
  else process.exitCode = code;
}

const lockPath = join(root, '.cache', 'install.lock');

/** True while the process that wrote the lock lives; a lock without a readable owner is given ten seconds. */
function isLockHeld() {
  try {
    const owner = Number(readFileSync(lockPath, 'utf8'));
    if (!owner) return Date.now() - statSync(lockPath).mtimeMs < 10_000;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Waits until this process alone may install. */
async function takeLock() {
  mkdirSync(dirname(lockPath), { recursive: true });
  for (let told = false; ;) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isLockHeld()) {
      // Renaming succeeds for one of several waiters only; the others find the lock gone and try again.
      const stale = `${lockPath}.${process.pid}`;
      try {
        renameSync(lockPath, stale);
        rmSync(stale, { force: true });
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
      }
      continue;
    }
    if (!told) say('another process is installing the packages, waiting for it …');
    told = true;
    await sleep(200);
  }
}

/** Installs exactly what the lock file names. Throws with npm's own words where that fails. */
async function install() {
  // `ci` starts by removing node_modules. Where an older set stands, other processes may be running
  // from it (a training run), so there only what differs is replaced.
  const isUpdate = existsSync(join(root, 'node_modules', '.package-lock.json'));
  say(
    isUpdate
      ? 'updating the packages to what package-lock.json names …'
      : 'first run: installing packages (about 800 MB on disk, usually one or two minutes) …',
  );
  const npmArgs = isUpdate ? ['install', '--no-save'] : ['ci'];
  const npmCli = process.env.npm_execpath;
  const isNpm = npmCli !== undefined && basename(npmCli) === 'npm-cli.js';
  // .npmrc turns install scripts off already; said again for a user whose own settings override it.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const args = [...npmArgs, '--include=dev', '--include=optional', '--ignore-scripts', ...quiet];
  const output = [];
  const end = await runToEnd(isNpm ? process.execPath : 'npm', isNpm ? [npmCli, ...args] : args, {
    shell: !isNpm && isWindows,
    stdio: ['ignore', 'pipe', 'pipe'],
    onStart: (child) => {
      child.stdout.on('data', (chunk) => output.push(chunk));
      child.stderr.on('data', (chunk) => output.push(chunk));
    },
  });
  if (end.asked) return { signal: end.asked };
  if (end.code !== 0) {
    process.stderr.write(Buffer.concat(output));
    throw new Error(`npm ${npmArgs[0]} ended with status ${end.code}; its words stand above`);
  }
  return end;
}

/** npm 9 and 10 forget the link to a program that packages for other platforms offer too. */
function linkNode() {
  const folder = join(root, 'node_modules', '.bin');
  const node = packagedNode();
  if (isWindows || !existsSync(node) || existsSync(join(folder, 'node'))) return;
  try {
    rmSync(join(folder, 'node'), { force: true });
    symlinkSync(relative(folder, node), join(folder, 'node'));
  } catch {
    // Only a convenience for typing node_modules/.bin/node: another process was first, or the folder is read-only.
  }
}

/** Installs if something is missing; gives how npm was ended if a signal stopped it, else undefined. */
async function installIfMissing() {
  if (isInstalled()) return undefined;
  await takeLock();
  try {
    if (isInstalled()) return undefined;
    const end = await install();
    return end.signal ? end : undefined;
  } finally {
    rmSync(lockPath, { force: true });
  }
}

/** Preloaded into the program: it hears no signal of our process group, so it must notice when we are killed. */
const endWithParent = `data:text/javascript,
import { isMainThread } from 'node:worker_threads';
const parent = process.ppid;
if (isMainThread) setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
}, 1000).unref();`;

/** The folder the user typed the command in: npm runs scripts in the repository's root and names it in INIT_CWD. */
function userFolder() {
  const isUnderNpm = process.env.npm_package_json === join(root, 'package.json');
  return (isUnderNpm && process.env.INIT_CWD) || process.cwd();
}

/** This process's environment with `folder` first on the search path (Windows spells it Path). */
function environmentWith(folder) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return {
    // Node keeps the JavaScript that it makes of each file; main/cli.ts says why the folder is ours.
    NODE_COMPILE_CACHE: join(root, '.cache', 'compiled'),
    ...process.env,
    [name]: folder + delimiter + (process.env[name] ?? ''),
  };
}

async function main([word, ...args]) {
  const program = programs[word];
  if (program === undefined) {
    say(`expected one of ${Object.keys(programs).join(', ')} but received ${word ?? 'nothing'}`);
    process.exitCode = 2;
    return;
  }
  const stopped = await installIfMissing();
  if (stopped) return endLike(stopped);
  linkNode();
  const node = findNode();
  if (node === undefined) {
    const place = `${process.platform}-${process.arch}`;
    throw new Error(
      `Node ${neededNodeMajor} or newer is needed, this is ${process.version}, and npm carries none for ${place}: install it from https://nodejs.org`,
    );
  }
  const watch = isWindows ? [] : ['--import', encodeURI(endWithParent)];
  const [script, ...fixed] = program;
  endLike(
    await runToEnd(node, [...watch, join(root, script), ...fixed, ...args], {
      stdio: 'inherit',
      cwd: word === 'cli' ? userFolder() : root,
      env: environmentWith(dirname(node)),
    }),
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
