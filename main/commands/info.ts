/** `nightglass info`: prints everything known about a RAW file. */

import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { clippedBlack } from '../develop/black.ts';
import { autoRatio } from '../develop/brightness.ts';
import { frameNoise } from '../develop/noise.ts';
import { middleFrames } from '../develop/noise-map.ts';
import { temperatureOf } from '../develop/white-balance.ts';
import { cameraName } from '../raw/camera-name.ts';
import { decodeRaw } from '../raw/decode.ts';
import type { CameraColour, DecodedRaw, Gps, Merged, Orientation, Shot } from '../raw/mosaic.ts';
import { remosaic } from '../raw/remosaic.ts';
import { burstsAmong } from '../engine/burst.ts';
import { calibratedFrame } from '../calibration/kept.ts';
import { findRawPhotos } from '../library/raw-photos.ts';
import { interruptSignal } from './interrupt.ts';

const optionsSchema = z.object({
  bursts: z.boolean().default(false),
  json: z.boolean().default(false),
});

export function infoCommand(): Command {
  return new Command('info')
    .description('shows what a RAW file says about itself, its noise, and its automatic ratio')
    .argument('<file>', 'a RAW file, or a folder with --bursts')
    .option('--bursts', 'list the bursts in a folder')
    .option('--json', 'print one JSON object')
    .action(async (file: string, given: unknown) => {
      const { bursts, json } = optionsSchema.parse(given);
      if (bursts) {
        await listBursts(file, json);
        return;
      }
      const facts = await factsOf(file, await decodeRaw(file, { signal: interruptSignal() }));
      process.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${describe(facts)}\n`);
    });
}

/** Lists the bursts of a folder, one per line, without decoding. */
async function listBursts(folder: string, json: boolean): Promise<void> {
  const photos = await findRawPhotos([folder]);
  const bursts = await burstsAmong(photos, interruptSignal());
  const listed = bursts.map((burst) => {
    const { iso, exposureSeconds, takenAt } = burst[0]!.summary.shot;
    return { takenAt, iso, exposureSeconds, frames: burst.map((photo) => photo.path) };
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ event: 'result', folder, bursts: listed })}\n`);
    return;
  }
  for (const { frames, ...shot } of listed) {
    const names = frames.map((frame) => path.basename(frame));
    const settings = exposure(compacted(shot));
    const when = shot.takenAt?.replace('T', ' ');
    const about = [when, settings].filter((part) => part !== undefined).join(', ');
    process.stdout.write(`${frames.length} frames, ${about}: ${names.join(' ')}\n`);
  }
  if (listed.length === 0) process.stdout.write(`no bursts among ${photos.length} photos\n`);
}

/** Leaves out undefined properties. */
function compacted(shot: { readonly [Key in keyof Shot]: Shot[Key] | undefined }): Shot {
  return Object.fromEntries(Object.entries(shot).filter(([, value]) => value !== undefined));
}

type Facts = Awaited<ReturnType<typeof factsOf>>;

async function factsOf(file: string, raw: DecodedRaw) {
  const frame = raw.kind === 'mosaic' ? raw.mosaic : remosaic(raw.frame);
  const { width, height, shot, colour, orientation } = frame;
  const gains = colour.asShotGains;
  const cut = clippedBlack(frame);
  const noise = frameNoise(raw.kind === 'mosaic' ? await calibratedFrame(raw.mosaic) : frame);
  return {
    event: 'result',
    file,
    /** `mosaic`, or `linear` if the file has no mosaic and LibRaw developed it. */
    content: raw.kind,
    /** Whether this program made the picture, so that no network runs over it again. */
    isDeveloped: frame.developed !== undefined,
    width,
    height,
    orientation,
    shot,
    colour,
    baselineExposureStops: frame.baselineExposureStops,
    // For a linear frame, these were only added to make it look like a mosaic, so they are left
    // out.
    ...(raw.kind === 'mosaic'
      ? {
          cfa: frame.cfa,
          blackLevel: frame.blackLevel,
          ...(frame.opticalBlack === undefined ? {} : { opticalBlack: frame.opticalBlack }),
          whiteLevel: frame.whiteLevel,
        }
      : {}),
    ...(frame.merged === undefined ? {} : { merged: mergedFacts(frame.merged) }),
    noise: { ...noise.profile, source: noise.source },
    autoRatio: autoRatio(frame, gains),
    ...(cut === undefined ? {} : { clippedBlack: cut }),
  };
}

function mergedFacts({ frames, reference, exposureSeconds, map }: Merged) {
  return { frames, reference, exposureSeconds, middleFrames: middleFrames(map) };
}

const turns: Readonly<Record<Orientation, string>> = {
  1: 'upright',
  2: 'mirrored',
  3: 'upside down',
  4: 'mirrored, upside down',
  5: 'mirrored, to be turned left',
  6: 'to be turned right',
  7: 'mirrored, to be turned right',
  8: 'to be turned left',
};

const noiseSources = {
  camera: 'measured on your camera',
  dng: 'stated by the file',
  table: "from this camera's calibration",
  estimate: 'measured on the frame',
  fallback: 'typical of its ISO',
} as const;

function describe(facts: Facts): string {
  const { shot, colour, noise, merged } = facts;
  const megapixels = ((facts.width * facts.height) / 1e6).toFixed(1);
  const rows: [string, string | undefined][] = [
    ['file', path.basename(facts.file)],
    ['camera', cameraName(shot)],
    ['lens', shot.lens],
    ['taken', shot.takenAt?.replace('T', ' ')],
    ['exposure', exposure(shot)],
    ['merged', merged === undefined ? undefined : mergedWords(merged)],
    ['place', shot.gps === undefined ? undefined : place(shot.gps)],
    ['artist', shot.artist],
    ['copyright', shot.copyright],
    ['size', `${facts.width} × ${facts.height} (${megapixels} MP), ${turns[facts.orientation]}`],
    ['content', contentWords(facts)],
    ['layout', facts.cfa],
    ['black', facts.blackLevel === undefined ? undefined : levels(facts.blackLevel)],
    ['black, masked', facts.opticalBlack === undefined ? undefined : levels(facts.opticalBlack)],
    ['black, cut', facts.clippedBlack === undefined ? undefined : cutWords(facts.clippedBlack)],
    ['white', facts.whiteLevel?.toString()],
    ['balance', balance(colour)],
    [
      'baseline',
      facts.baselineExposureStops === 0 ? undefined : `${signed(facts.baselineExposureStops)} EV`,
    ],
    [
      'noise',
      `variance ${noise.slope.toExponential(2)} · x + ${noise.offset.toExponential(2)}, ` +
        noiseSources[noise.source],
    ],
    ['auto ratio', `×${facts.autoRatio}`],
  ];
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(14)}${value}`]))
    .join('\n');
}

function contentWords({ content, isDeveloped }: Facts): string | undefined {
  if (isDeveloped) return 'developed by this program: shown as it is, without the network';
  return content === 'mosaic' ? undefined : 'no mosaic: developed by LibRaw';
}

function cutWords(share: number): string {
  return (
    `the camera cut off the noise below black (${Math.round(share * 100)} % of the samples lie on it): ` +
    'where dark parts turn magenta, raise it with --black'
  );
}

function mergedWords({
  frames,
  reference,
  exposureSeconds,
}: ReturnType<typeof mergedFacts>): string {
  const light =
    exposureSeconds === undefined ? '' : `, ${Number(exposureSeconds.toPrecision(3))} s in all`;
  return `from ${frames.length} frames on ${reference}${light}`;
}

function exposure(shot: Shot): string | undefined {
  const parts = [
    shot.iso === undefined ? undefined : `ISO ${shot.iso}`,
    shot.exposureSeconds === undefined ? undefined : shutter(shot.exposureSeconds),
    shot.aperture === undefined ? undefined : `f/${Number(shot.aperture.toFixed(1))}`,
    shot.focalLengthMm === undefined ? undefined : `${Number(shot.focalLengthMm.toFixed(1))} mm`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** Formats an exposure as cameras do: "1/30 s" below a third of a second. */
function shutter(seconds: number): string {
  return seconds < 0.3 ? `1/${Math.round(1 / seconds)} s` : `${Number(seconds.toPrecision(3))} s`;
}

function place({ latitude, longitude, altitudeMetres }: Gps): string {
  const north = `${Math.abs(latitude).toFixed(5)}° ${latitude < 0 ? 'S' : 'N'}`;
  const east = `${Math.abs(longitude).toFixed(5)}° ${longitude < 0 ? 'W' : 'E'}`;
  const height = altitudeMetres === undefined ? '' : `, ${Math.round(altitudeMetres)} m`;
  return `${north}, ${east}${height}`;
}

function levels(perSite: readonly number[]): string {
  const isUniform = perSite.every((level) => level === perSite[0]);
  return (isUniform ? perSite.slice(0, 1) : perSite)
    .map((level) => String(Number(level.toFixed(2))))
    .join(', ');
}

function balance(colour: CameraColour): string {
  const { kelvin, tint } = temperatureOf(colour.asShotGains, colour);
  const gains = colour.asShotGains.map((gain) => gain.toFixed(3)).join(', ');
  return `${gains} (about ${Math.round(kelvin / 50) * 50} K, tint ${signed(Math.round(tint))})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value)}`;
}
