/** What a device's test found, without the names that drivers and libraries give to things. */

import type { DeviceVerdict } from '../../preload/contract/contract.ts';

const patterns: readonly (readonly [RegExp, string])[] = [
  [/the reference/, 'The measure for the others'],
  [/^agrees/, 'Makes the same picture as the processor'],
  [/differs from the processor/, 'Not used: its pictures differ from the processor’s'],
  [/no numbers/, 'Not used: its pictures are broken'],
  [/adapter/i, 'No graphics card was found that it can use'],
  [/shared library|libcu|dlopen|\.dll|\.so\b/i, 'Its driver or its libraries are not installed'],
  [/memory|alloc/i, 'Not used: it has too little memory for a tile'],
  [/took longer/, 'Not used: its test took too long'],
  [/ended the engine/, 'Not used: its driver crashed in the test'],
  [/cancelled/, 'Not tested yet'],
];

/** One short sentence. `nightglass devices` and the tip of the row say exactly what happened. */
export function deviceWords({ account, isTrusted }: DeviceVerdict): string {
  const found = patterns.find(([pattern]) => pattern.test(account));
  return found?.[1] ?? (isTrusted ? 'Can be used' : 'Not used: it could not be started');
}
