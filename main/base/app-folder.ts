/** Where the program keeps what it remembers between runs. */

import { homedir, platform } from 'node:os';
import path from 'node:path';

/**
 * The user's folder for this program's own data, by each system's custom.
 * `NIGHTGLASS_DATA` names another one (tests, portable installations).
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

/** Where profiles of measured cameras lie; photos of these cameras are developed with them. */
export function camerasFolder(): string {
  return path.join(appFolder(), 'cameras');
}
