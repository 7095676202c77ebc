/** A camera profile made by hand, with round numbers. */

import type { CameraProfile, DarkMeasurement } from '../../preload/contract/camera-profile.ts';

const figure = (value: number, error = 0) => ({ value, error });

/** One second in the dark. */
export function darkOf(changes: Partial<DarkMeasurement> = {}): DarkMeasurement {
  return {
    exposureSeconds: 1,
    frames: 10,
    blackLevel: [figure(512, 0.01), figure(512.25, 0.01), figure(511.75, 0.01), figure(513, 0.01)],
    blackDriftDn: figure(0.05, 0.01),
    readSigmaDn: figure(4, 0.01),
    tukeyLambda: figure(0, 0.002),
    tukeyScaleDn: figure(4 / 1.8138, 0.01),
    rowSigmaDn: figure(0.5, 0.01),
    columnSigmaDn: figure(0, 0.01),
    shading: { columns: 1, rows: 1, sites: [[0], [0], [0], [0]], errorDn: 0.01 },
    correlation: { across: figure(0, 0.001), down: figure(0, 0.001) },
    clippedShare: 0,
    hot: { share: 0, excessDn: [] },
    curve: { firstDn: -1, binDn: 1, measured: [0.25, 0.5, 0.25], fitted: [0.25, 0.5, 0.25] },
    ...changes,
  };
}

/** A 14-bit RGGB camera, measured at ISO 1600 with K = 2. */
export function profileOf(changes: Partial<CameraProfile> = {}): CameraProfile {
  return {
    format: 'nightglass-camera',
    version: 1,
    name: 'Owl 1',
    make: 'NIGHT',
    model: 'Owl 1',
    measuredAt: '2026-01-02T03:04:05.000Z',
    width: 96,
    height: 64,
    cfa: 'RGGB',
    xyzToCamera: [0.5838, -0.143, -0.0246, -0.3497, 1.1477, 0.2297, -0.0748, 0.1885, 0.5778],
    bits: 14,
    stepDn: 1,
    isos: [
      {
        iso: 1600,
        whiteLevel: 16_383,
        statedBlackLevel: [512, 512, 512, 512],
        dark: [darkOf()],
        gain: { gainDnPerElectron: figure(2, 0.01), source: 'flats' },
      },
    ],
    hotPixels: [],
    remarks: [],
    ...changes,
  };
}
