/**
 * Decides which folders the window may name: those below a root, or granted by the user or the
 * system.
 */

import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { Refusal } from '../base/refusal.ts';

export class Access {
  readonly #roots = new Set<string>();

  /** @param folder granted with everything below it; links are resolved first */
  async grant(folder: string): Promise<void> {
    const real = await realpath(folder).catch(() => undefined);
    if (real !== undefined) this.#roots.add(real);
  }

  /**
   * The granted folders if the system has dialogs; otherwise the folders where a chooser may start.
   */
  get roots(): readonly string[] {
    return [...this.#roots];
  }

  isAllowed(real: string): boolean {
    return [...this.#roots].some((root) => {
      const way = path.relative(root, real);
      return (
        way === '' || (way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way))
      );
    });
  }

  /**
   * The folder with links resolved.
   * @throws Refusal `bad-argument` if it is not a folder, does not exist, or may not be named
   */
  async folder(given: string): Promise<string> {
    const real = await this.#real(given);
    if (!(await stat(real)).isDirectory()) {
      throw new Refusal('bad-argument', `expected a folder but ${given} is a file`);
    }
    return real;
  }

  /** @throws Refusal `bad-argument` */
  async file(given: string): Promise<string> {
    const real = await this.#real(given);
    if (!(await stat(real)).isFile()) {
      throw new Refusal('bad-argument', `expected a file but ${given} is none`);
    }
    return real;
  }

  /**
   * A folder that need not exist yet; its nearest existing parent decides.
   * @throws Refusal `bad-argument`
   */
  async futureFolder(given: string): Promise<string> {
    if (!path.isAbsolute(given)) throw notAllowed(given);
    const wanted = path.resolve(given);
    let existing = wanted;
    for (;;) {
      const real = await realpath(existing).catch(() => undefined);
      if (real !== undefined) {
        const future = path.join(real, path.relative(existing, wanted));
        if (!this.isAllowed(future)) throw notAllowed(given);
        return future;
      }
      const parent = path.dirname(existing);
      if (parent === existing) throw notAllowed(given);
      existing = parent;
    }
  }

  async #real(given: string): Promise<string> {
    if (!path.isAbsolute(given)) throw notAllowed(given);
    const real = await realpath(given).catch(() => undefined);
    // The answer must not reveal whether a forbidden path exists.
    if (real === undefined) {
      const isInside = this.isAllowed(path.resolve(given));
      throw isInside ? new Refusal('bad-argument', `there is no ${given}`) : notAllowed(given);
    }
    if (!this.isAllowed(real)) throw notAllowed(given);
    return real;
  }
}

function notAllowed(given: string): Refusal {
  return new Refusal('bad-argument', `${given} is not among the folders this app was given`);
}
