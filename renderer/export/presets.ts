/** Lists of presets as they are edited: export presets, and presets of edits. */

interface Named {
  readonly name: string;
}

/** The list with a preset in the place of the one of its name, or at the end. */
export function withPreset<P extends Named>(presets: readonly P[], preset: P): P[] {
  const isThere = presets.some(({ name }) => name === preset.name);
  return isThere
    ? presets.map((one) => (one.name === preset.name ? preset : one))
    : [...presets, preset];
}

/** Whether a preset can have this name: names that differ only in case would be confused. */
export function isFreeName(presets: readonly Named[], name: string, own?: string): boolean {
  const wanted = name.trim().toLowerCase();
  const isTaken = presets.some(
    (preset) => preset.name !== own && preset.name.toLowerCase() === wanted,
  );
  return wanted !== '' && !isTaken;
}

/** The name, with a number where it is taken. */
export function freeName(presets: readonly Named[], name: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name} ${number}`;
    if (isFreeName(presets, candidate)) return candidate;
  }
}
