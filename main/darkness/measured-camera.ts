/** Makes a camera measured with `nightglass calibrate` available to `simulate`. */

import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import type { PerSite } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';
import { cameraNoiseAt, isoRangeOf } from './camera-noise.ts';
import type { SimulatedCamera } from './cameras.ts';
import type { Random } from './random.ts';
import { tukeyStandardDeviation } from './tukey.ts';

/**
 * Simulated files state the black level that the camera's own files state, but their samples have
 * the measured level. Dark shading and hot pixels are not simulated, because they belong to places
 * on the whole sensor.
 * @throws Refusal `bad-argument` if its gain is not known
 */
export function measuredCamera(profile: CameraProfile): SimulatedCamera {
  const { name, make, model, cfa, xyzToCamera, isos } = profile;
  if (isos.some(({ gain }) => gain === undefined)) {
    throw new Refusal(
      'bad-argument',
      `expected a camera whose gain was measured but ${name} has none: calibrate it with --flat`,
    );
  }
  const stated = isos.flatMap(({ statedBlackLevel }) => statedBlackLevel);
  const blackLevel = Math.round(stated.reduce((sum, level) => sum + level, 0) / stated.length);
  return {
    id: name,
    make,
    model,
    cfa,
    blackLevel,
    whiteLevel: Math.min(...isos.map(({ whiteLevel }) => whiteLevel)),
    xyzToCamera,
    isoRange: isoRangeOf(profile),
    blackAt: (iso) => cameraNoiseAt(profile, iso).blackLevel,
    noiseAt: (iso, random) => {
      const noise = cameraNoiseAt(profile, iso);
      const lambda = noise.tukeyLambda.value;
      return {
        gainDnPerElectron: noise.gainDnPerElectron?.value ?? 0,
        tukeyLambda: lambda,
        tukeyScaleDn: noise.readSigmaDn.value / tukeyStandardDeviation(lambda),
        rowSigmaDn: noise.rowSigmaDn,
        columnSigmaDn: noise.columnSigmaDn,
        biasDn: drifted(noise.blackLevel, blackLevel, noise.blackDriftDn, random),
        stepDn: profile.stepDn,
      };
    },
  };
}

function drifted(measured: PerSite, stated: number, driftDn: number, random: Random): PerSite {
  const at = (site: 0 | 1 | 2 | 3): number => measured[site] - stated + driftDn * random.gaussian();
  return [at(0), at(1), at(2), at(3)];
}
