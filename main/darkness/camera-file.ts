/**
 * Stores camera profiles as files: writes them atomically, and checks every number when reading.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { cameraProfileSchema, type CameraProfile } from '../../preload/contract/camera-profile.ts';
import { writeAtomically } from '../base/atomic.ts';
import { describeError, Refusal } from '../base/refusal.ts';

/** @throws Refusal `disk` if it can't be read, `bad-argument` if it is not a camera profile */
export async function readCameraProfile(file: string): Promise<CameraProfile> {
  const name = path.basename(file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Refusal('disk', `cannot read ${name}: ${describeError(error)}`, { cause: error });
  }
  return parseCameraProfile(text, name);
}

/**
 * @param name for the message
 * @throws Refusal `bad-argument`
 */
export function parseCameraProfile(text: string, name: string): CameraProfile {
  const what = `expected a camera profile, as nightglass calibrate writes it, in ${name}`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad-argument', `${what} but it is no JSON`, { cause: error });
  }
  const parsed = cameraProfileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined ? '' : `: ${issue.path.join('.') || 'it'}: ${issue.message}`;
  throw new Refusal('bad-argument', `${what}${where}`);
}

/** @throws Refusal `disk`, `cancelled` */
export async function writeCameraProfile(
  file: string,
  profile: CameraProfile,
  signal?: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(profile)}\n`);
  await writeAtomically(file, [bytes], { overwrite: true, signal });
}
