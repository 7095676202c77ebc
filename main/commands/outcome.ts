/** A command's result, as an exit status for the shell. */

/** 0: all done. 1: something failed, the rest is done. 2: bad usage. 130: stopped by Ctrl-C. */
export type ExitStatus = 0 | 1 | 2 | 130;

/** Set by commands that end without an error but could not do everything. */
export const exitStatus: { current: ExitStatus } = { current: 0 };
