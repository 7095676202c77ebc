/** Locates the folder where the program stores its data between runs. */

import { homedir, platform } from 'node:os';
import path from 'node:path';

/**
 * The user's folder for this program's data, by each system's convention. `NIGHTGLASS_DATA`
 * overrides it (tests, portable installations).
 */
export function appFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['NIGHTGLASS_DATA'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  const home = homedir();
  switch (platform()) {
    case 'win32':
      return path.join(
        environment['APPDATA'] ?? path.join(home, 'AppData', 'Roaming'),
        'Nightglass',
      );
    case 'darwin':
      return path.join(home, 'Library', 'Application Support', 'Nightglass');
    default:
      return path.join(
        environment['XDG_DATA_HOME'] ?? path.join(home, '.local', 'share'),
        'nightglass',
      );
  }
}

/** Folder of measured cameras' profiles, with which photos of these cameras are developed. */
export function camerasFolder(): string {
  return path.join(appFolder(), 'cameras');
}
