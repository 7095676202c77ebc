#!/usr/bin/env node
/** The command line: one program for photographers, scripts, tests and benches. */

import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { calibrateCommand } from './commands/calibrate.ts';
import { devicesCommand } from './commands/devices.ts';
import { enhanceCommand } from './commands/enhance.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { infoCommand } from './commands/info.ts';
import { openApp } from './commands/open.ts';
import { exitStatus } from './commands/outcome.ts';
import { serveCommand } from './commands/serve.ts';
import { simulateCommand } from './commands/simulate.ts';
import { trainCommand } from './commands/train/train.ts';
import { describeError, Refusal } from './base/refusal.ts';

async function main(): Promise<number> {
  const program = new Command('nightglass')
    .description('Turns night shots into clean, bright photographs.')
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('(--help shows what can be asked)')
    .action(openApp);
  for (const command of [
    enhanceCommand(),
    infoCommand(),
    devicesCommand(),
    simulateCommand(),
    calibrateCommand(),
    trainCommand(),
    evaluateCommand(),
    serveCommand(),
  ]) {
    program.addCommand(
      command.exitOverride().showHelpAfterError('(--help shows what can be asked)'),
    );
  }
  try {
    await program.parseAsync();
    return exitStatus.current;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Refusal) {
      process.stderr.write(`nightglass: ${describeError(error)}\n`);
      if (error.code === 'cancelled') return 130;
      return error.code === 'bad-argument' ? 2 : 1;
    }
    throw error;
  }
}

process.exitCode = await main();
