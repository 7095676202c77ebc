/** Prints a camera profile as a table for the terminal. */

import type { CameraProfile, Figure } from '../../preload/contract/camera-profile.ts';
import { shutter } from '../calibration/remarks.ts';

const heads = [
  'ISO', 'exposure', 'frames', 'black level', 'read noise', 'tails λ', 'rows', 'columns', 'hot',
  'gain K',
]; // prettier-ignore

const gainSources = {
  flats: '',
  'other-iso': ' (from other ISOs)',
  published: ' (published)',
} as const;

/** The profile as lines: a table, then its remarks. */
export function describeProfile(profile: CameraProfile): string {
  const rows = profile.isos.flatMap(({ iso, dark, gain }) =>
    dark.map((measured, index) => [
      String(Math.round(iso)),
      measured.exposureSeconds === undefined ? '?' : shutter(measured.exposureSeconds),
      String(measured.frames),
      blackLevel(measured.blackLevel),
      figure(measured.readSigmaDn),
      figure(measured.tukeyLambda),
      measured.rowSigmaDn.value.toFixed(2),
      measured.columnSigmaDn.value.toFixed(2),
      `${(100 * measured.hot.share).toFixed(3)} %`,
      index > 0
        ? ''
        : gain === undefined
          ? 'unknown'
          : figure(gain.gainDnPerElectron) + gainSources[gain.source],
    ]),
  );
  const { name, width, height, bits, cfa } = profile;
  return [
    `${name}: ${width} × ${height}, ${bits} bits, ${cfa}`,
    '',
    ...aligned([heads, ...rows]),
    '',
    'Noise in DN, the numbers of the file; K in DN per electron; ± one standard error.',
    ...profile.remarks.map(({ level, message }) => `${level === 'warning' ? '!' : '·'} ${message}`),
  ].join('\n');
}

/** A value with only as many digits as its error justifies. */
function figure({ value, error }: Figure): string {
  const digits = error > 0 ? Math.max(1, Math.min(4, 1 - Math.floor(Math.log10(error)))) : 2;
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
}

function blackLevel(sites: readonly Figure[]): string {
  const digits = sites.some(({ error }) => error < 0.05) ? 2 : 1;
  const values = sites.map(({ value }) => value.toFixed(digits));
  return values.every((value) => value === values[0]) ? (values[0] ?? '') : values.join(' ');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
