/** Remarks on a calibration in a photographer's words. */

import type {
  DarkMeasurement,
  IsoMeasurement,
  Remark,
} from '../../preload/contract/camera-profile.ts';
import { clippedMax } from './levels.ts';

/** Hot pixels and drift need this many frames; noise figures need only two. */
const framesForSure = 4;

export const isoName = (iso: number): string => `ISO ${Math.round(iso)}`;

/** Formats an exposure as cameras do: "1/30 s" below a third of a second. */
export function shutter(seconds: number | undefined): string {
  if (seconds === undefined) return 'unknown exposure';
  return seconds < 0.3 ? `1/${Math.round(1 / seconds)} s` : `${Number(seconds.toPrecision(3))} s`;
}

/** Problems with the dark frames of one ISO and exposure. */
export function remarksOnDark(
  { iso, whiteLevel, statedBlackLevel }: IsoMeasurement,
  dark: DarkMeasurement,
  stepDn: number,
): Remark[] {
  const where = `${isoName(iso)}, ${shutter(dark.exposureSeconds)}`;
  const remarks: Remark[] = [];
  const warn = (code: Remark['code'], message: string): void => {
    remarks.push({ code, level: 'warning', message: `${where}: ${message}` });
  };
  const note = (code: Remark['code'], message: string): void => {
    remarks.push({ code, level: 'note', message: `${where}: ${message}` });
  };
  const read = dark.readSigmaDn.value;
  if (dark.frames === 1) {
    warn(
      'few-frames',
      'only one dark frame: hot pixels and the drift of black cannot be told from noise. Take 10',
    );
  } else if (dark.frames < framesForSure) {
    note('few-frames', `only ${dark.frames} dark frames: 10 would find hot pixels more surely`);
  }
  if (dark.clippedShare > clippedMax) {
    warn(
      'clipped-black',
      `${percent(dark.clippedShare)} of the samples are cut off at the lowest number: this camera ` +
        'takes the noise below black away. Its black level, shading and row noise are not known, ' +
        'and shadows in its photos may turn out tinted',
    );
  }
  const { across, down } = dark.correlation;
  const strongest = Math.max(across.value, down.value);
  if (strongest > 0.05 + 4 * across.error) {
    warn(
      'denoised',
      `neighbours resemble each other (correlation ${strongest.toFixed(2)}): the camera smooths its ` +
        'RAW files. Switch off its long exposure and high ISO noise reduction, if it lets you',
    );
  }
  if (read < 0.3 * stepDn) {
    note(
      'quantised',
      `the noise (${read.toFixed(2)} DN) is smaller than the step of the file's numbers (${stepDn} ` +
        'DN), so that it is known roughly only. Higher ISOs are what matters',
    );
  }
  const above = Math.max(
    ...dark.blackLevel.map(
      ({ value }, site) => value - (dark.opticalBlack?.[site] ?? statedBlackLevel[site] ?? value),
    ),
  );
  if (above > Math.max(2 * read, 0.003 * whiteLevel)) {
    warn(
      'light-leak',
      `the dark frames lie ${above.toFixed(1)} DN above the black level that the camera states. If ` +
        'light came in, through the viewfinder for example, cover it and take them again',
    );
  }
  const spread = shadingSpread(dark);
  if (spread > Math.max(0.5 * read, 8 * dark.shading.errorDn)) {
    note(
      'light-leak',
      `the dark is not even: ${spread.toFixed(1)} DN between the frame's parts. The camera's own ` +
        'glow does that in long exposures, and so does light that leaks in',
    );
  }
  const drift = dark.blackDriftDn?.value ?? 0;
  if (drift > Math.max(0.25 * read, 0.5 * stepDn)) {
    note(
      'drift',
      `black wanders by ${drift.toFixed(2)} DN from frame to frame: let the camera rest at the ` +
        "temperature you photograph at, and don't mix warm and cold frames",
    );
  }
  const columns = dark.columnSigmaDn;
  if (columns.value > 0.15 * read && columns.value > 4 * columns.error) {
    note('columns', `columns differ by ${columns.value.toFixed(2)} DN: upright stripes in shadows`);
  }
  if (dark.hot.share > 1e-3) {
    note('many-hot-pixels', `${percent(dark.hot.share)} of the pixels are hot`);
  }
  return remarks;
}

/** The largest variation over the frame of any site, without outliers, DN. */
function shadingSpread({ shading }: DarkMeasurement): number {
  const spreads = shading.sites.map((site) => {
    const sorted = [...site].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
    return at(0.95) - at(0.05);
  });
  return Math.max(...spreads);
}

/** Remarks on the gains, once all ISOs are known. */
export function remarksOnGains(isos: readonly IsoMeasurement[], hadFlats: boolean): Remark[] {
  const remarks: Remark[] = [];
  const unknown = isos.filter(({ gain }) => gain === undefined).map(({ iso }) => isoName(iso));
  const published = isos.some(({ gain }) => gain?.source === 'published');
  if (!hadFlats || unknown.length > 0) {
    remarks.push({
      code: 'no-flats',
      level: published || unknown.length === 0 ? 'note' : 'warning',
      message: published
        ? 'no flat frames: the gain is the published one of this model, not your camera’s own'
        : `${hadFlats ? `no usable flat frames for ${unknown.join(', ')}` : 'no flat frames'}: the gain (DN per ` +
          'electron) is unknown, and training will try every gain that the read noise allows. Two ' +
          'flat frames an ISO would settle it',
    });
  }
  for (const { iso, gain, photonTransfer } of isos) {
    if (gain?.source !== 'flats') continue;
    const { value, error } = gain.gainDnPerElectron;
    if (error > 0.05 * value) {
      remarks.push({
        code: 'gain-unsure',
        level: 'warning',
        message:
          `${isoName(iso)}: the gain is known to ±${percent(error / value)} only: the flat frames ` +
          'do not agree with each other, or are too dark. The camera must not move between the two ' +
          'of a pair, and the light must not flicker',
      });
    }
    if (photonTransfer !== undefined && photonTransfer.pairs === 0) {
      remarks.push({
        code: 'single-flats',
        level: 'note',
        message: `${isoName(iso)}: flat frames without a partner of the same exposure: texture and dust count as noise`,
      });
    }
  }
  return [...remarks, ...remarksOnProportion(isos)];
}

/** K is proportional to the ISO in every camera, except for ISOs that only multiply the numbers. */
function remarksOnProportion(isos: readonly IsoMeasurement[]): Remark[] {
  const measured = isos.flatMap(({ iso, gain }) =>
    gain?.source === 'flats' ? [{ iso, per: gain.gainDnPerElectron.value / iso }] : [],
  );
  const middle = [...measured].sort((a, b) => a.per - b.per)[measured.length >> 1];
  if (middle === undefined || measured.length < 3) return [];
  return measured
    .filter(({ per }) => Math.abs(Math.log(per / middle.per)) > Math.log(1.25))
    .map(({ iso, per }) => ({
      code: 'gain-unsure' as const,
      level: 'note' as const,
      message: `${isoName(iso)}: the gain is ${(per / middle.per).toFixed(2)} times what the other ISOs suggest: an extended ISO, or flat frames that went wrong`,
    }));
}

const percent = (share: number): string =>
  `${Number((100 * share).toPrecision(share < 0.1 ? 1 : 2))} %`;
