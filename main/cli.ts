#!/usr/bin/env node
/** The command line program, for photographers, scripts, tests and benchmarks. */

import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { appRoot } from './base/root.ts';

// Stripping types and compiling takes longer than most commands, so Node caches the results. The
// cache is in our own folder, because other users of this computer may write into the shared
// temporary one. It is enabled before any other import, and the environment passes it on to threads
// and child processes.
const { directory } = enableCompileCache(path.join(appRoot, '.cache/compiled'));
if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= directory;

const { runProgram } = await import('./commands/program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
