/** How a command ended, for the shell. */

/** 0: all done. 1: something failed, the rest is done. 2: bad usage. 130: stopped by Ctrl-C. */
export type ExitStatus = 0 | 1 | 2 | 130;

/** Set by commands that end without an error but not with everything done. */
export const exitStatus: { current: ExitStatus } = { current: 0 };
