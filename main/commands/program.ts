/** Loads each command only when it is used: `--version` needs none of them, `info` no network. */

import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { describeError, Refusal } from '../base/refusal.ts';
import { exitStatus } from './outcome.ts';

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  enhance: async () => (await import('./enhance.ts')).enhanceCommand(),
  merge: async () => (await import('./merge.ts')).mergeCommand(),
  info: async () => (await import('./info.ts')).infoCommand(),
  devices: async () => (await import('./devices.ts')).devicesCommand(),
  simulate: async () => (await import('./simulate.ts')).simulateCommand(),
  calibrate: async () => (await import('./calibrate.ts')).calibrateCommand(),
  train: async () => (await import('./train/train.ts')).trainCommand(),
  evaluate: async () => (await import('./evaluate.ts')).evaluateCommand(),
  serve: async () => (await import('./serve.ts')).serveCommand(),
};

/** Uses that need none of the commands: opening the app, and printing the version. */
const needsNoCommand = new Set([undefined, '-V', '--version']);

/**
 * The commands that this command line needs: the one it names, or all of them for anything else,
 * such as a request for help.
 */
async function neededCommands(word: string | undefined): Promise<Command[]> {
  if (needsNoCommand.has(word)) return [];
  const named = word !== undefined && Object.hasOwn(commands, word) ? commands[word] : undefined;
  return Promise.all(
    (named === undefined ? Object.values(commands) : [named]).map((load) => load()),
  );
}

/**
 * Runs one command line.
 * @param args the arguments after the program's name
 * @returns the exit status: 0 all done, 1 something failed, 2 bad usage, 130 stopped by Ctrl-C
 * @throws bugs, with their stack
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  const program = new Command('nightglass')
    .description('Turns night shots into clean, bright photographs.')
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('(--help shows what can be asked)')
    .action(async () => {
      const { openApp } = await import('./open.ts');
      await openApp();
    });
  for (const command of await neededCommands(args[0])) {
    program.addCommand(
      command.exitOverride().showHelpAfterError('(--help shows what can be asked)'),
    );
  }
  try {
    await program.parseAsync(args, { from: 'user' });
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
