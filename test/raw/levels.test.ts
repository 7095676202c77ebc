/** LibRaw's conventions of black and white, read right. */

import { describe, expect, it } from 'vitest';

import { bayerLayout, libRawBlack, libRawPlaneBlack, whiteLevelOf } from '../../main/raw/levels.ts';
import type { HiddenFields, LibRawMetadata } from '../../main/raw/libraw.ts';

const still = { rows: 0, columns: 0 };

function hidden(changes: Partial<HiddenFields> = {}): HiddenFields {
  return {
    black: 0,
    blackPerColour: [0, 0, 0, 0],
    blackPattern: { rows: 0, columns: 0, values: [] },
    linearMax: [0, 0, 0, 0],
    masked: [],
    xtrans: undefined,
    asShotGainsApplied: 0,
    ...changes,
  };
}

describe('bayerLayout', () => {
  it.each([
    [0x94949494, 'RGGB'],
    [0xb4b4b4b4, 'RGGB'],
    [0x16161616, 'BGGR'],
    [0x61616161, 'GRBG'],
    [0xe1e1e1e1, 'GRBG'],
    [0x49494949, 'GBRG'],
  ])('%i is %s', (filters, cfa) => {
    expect(bayerLayout(filters, 'RGBG')).toBe(cfa);
  });

  it('takes no other layout for Bayer', () => {
    // Rows that change after the second (Canon PowerShot A5), and cyan-magenta-yellow-green.
    expect(bayerLayout(0x1e4e1e4e, 'RGBG')).toBeUndefined();
    expect(bayerLayout(0xb4b4b4b4, 'GMCY')).toBeUndefined();
  });
});

describe('libRawBlack', () => {
  it('adds the common part and the part of each colour, the greens apart', () => {
    const fields = hidden({ black: 500, blackPerColour: [1, 2, 3, 4] });
    // GRBG: the green of a red row is LibRaw's 1, that of a blue row its 3.
    expect(libRawBlack(fields, 0xe1e1e1e1, still)).toEqual([502, 501, 503, 504]);
    expect(libRawBlack(fields, 0xb4b4b4b4, still)).toEqual([501, 502, 504, 503]);
  });

  it('adds a repeating pattern, and moves it with the corner', () => {
    const fields = hidden({ blackPattern: { rows: 2, columns: 2, values: [10, 20, 30, 40] } });
    expect(libRawBlack(fields, 0xb4b4b4b4, still)).toEqual([10, 20, 30, 40]);
    expect(libRawBlack(fields, 0xb4b4b4b4, { rows: 1, columns: 0 })).toEqual([30, 40, 10, 20]);
    expect(libRawBlack(fields, 0xb4b4b4b4, { rows: 0, columns: 1 })).toEqual([20, 10, 40, 30]);
  });

  it('averages a pattern larger than the cell', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8];
    const fields = hidden({ blackPattern: { rows: 2, columns: 4, values } });
    expect(libRawBlack(fields, 0xb4b4b4b4, still)).toEqual([2, 3, 6, 7]);
    const odd = hidden({ blackPattern: { rows: 1, columns: 3, values: [0, 3, 6] } });
    expect(libRawBlack(odd, 0xb4b4b4b4, still)).toEqual([3, 3, 3, 3]);
  });
});

it('libRawPlaneBlack adds up what holds for a plane', () => {
  const fields = hidden({
    black: 5,
    blackPerColour: [1, 2, 3, 0],
    blackPattern: { rows: 1, columns: 1, values: [10] },
  });
  expect([0, 1, 2].map((colour) => libRawPlaneBlack(fields, colour))).toEqual([16, 17, 18]);
});

describe('whiteLevelOf', () => {
  const camera = (camera_make: string, dng_version = 0): LibRawMetadata => ({
    ...({
      width: 64,
      height: 64,
      raw_width: 64,
      raw_height: 64,
      top_margin: 0,
      left_margin: 0,
      flip: 0,
    } as const),
    camera_make,
    camera_model: 'x',
    iso_speed: 100,
    shutter: 1,
    aperture: 1,
    focal_len: 1,
    timestamp: 0,
    artist: '',
    filters: 0xb4b4b4b4,
    colors: 3,
    cdesc: 'RGBG',
    dng_version,
    is_foveon: 0,
    raw_count: 1,
    pixel_aspect: 1,
    color_data: {
      maximum: 16_383,
      black: 512,
      cam_mul: [2, 1, 2, 1],
      pre_mul: [2, 1, 2, 1],
      rgb_cam: [],
      cam_xyz: [],
    },
  });

  it('is where the camera says its sensor ends', () => {
    expect(
      whiteLevelOf(camera('Sony'), hidden({ linearMax: [15_360, 15_360, 15_360, 15_360] })),
    ).toBe(15_360);
  });

  it("is the format's where the camera says nothing, nonsense, or LibRaw guesses", () => {
    expect(whiteLevelOf(camera('Sony'), hidden())).toBe(16_383);
    expect(whiteLevelOf(camera('Sony'), hidden({ linearMax: [4000, 4000, 4000, 4000] }))).toBe(
      16_383,
    );
    expect(
      whiteLevelOf(camera('Sony'), hidden({ linearMax: [60_000, 60_000, 60_000, 60_000] })),
    ).toBe(16_383);
    expect(
      whiteLevelOf(camera('Nikon'), hidden({ linearMax: [15_311, 15_311, 15_311, 15_311] })),
    ).toBe(16_383);
    expect(
      whiteLevelOf(
        camera('Sony', 0x1040000),
        hidden({ linearMax: [15_360, 15_360, 15_360, 15_360] }),
      ),
    ).toBe(16_383);
  });
});
