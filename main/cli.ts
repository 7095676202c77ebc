#!/usr/bin/env node
/** The command line: one program for photographers, scripts, tests and benches. */

import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { appRoot } from './base/root.ts';

// Stripping types and compiling takes longer than most commands: Node keeps the results. The folder is
// our own, because another user of this computer may write into the shared temporary one. The cache is
// on before anything else is imported, and the environment passes it on to threads and child processes.
const { directory } = enableCompileCache(path.join(appRoot, '.cache/compiled'));
if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= directory;

const { runProgram } = await import('./commands/program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
