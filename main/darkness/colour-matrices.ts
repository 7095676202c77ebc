/** Colour matrices of real cameras. */

import type { Matrix3 } from '../raw/mosaic.ts';

/**
 * Adobe's figures as listed in LibRaw's and dcraw's tables (`colordata.cpp`, `adobe_coeff`), each
 * times 10,000. They are facts, not code.
 */
const tenThousandths: readonly (readonly [string, Matrix3])[] = [
  ['Sony ILCE-7SM2', [5838, -1430, -246, -3497, 11477, 2297, -748, 1885, 5778]],
  ['Sony ILCE-7M3', [7374, -2389, -551, -5435, 13162, 2519, -1006, 1795, 6552]],
  ['Sony ILCE-7RM4', [7662, -2686, -660, -5240, 12965, 2530, -796, 1508, 6167]],
  ['Sony ILCE-9', [6389, -1703, -378, -4562, 12265, 2587, -670, 1489, 6550]],
  ['Nikon D850', [10405, -3755, -1270, -5461, 13787, 1793, -1040, 2015, 6785]],
  ['Nikon D750', [9020, -2890, -715, -4535, 12436, 2348, -934, 1919, 7086]],
  ['Nikon D7200', [8322, -3112, -1047, -6367, 14342, 2179, -988, 1638, 6394]],
  ['Nikon Z 6', [8210, -2534, -683, -5355, 13338, 2212, -1143, 1929, 6464]],
  ['Canon EOS 5D Mark IV', [6446, -366, -864, -4436, 12204, 2513, -952, 2496, 6348]],
  ['Canon EOS 6D', [7034, -804, -1014, -4420, 12564, 2058, -851, 1994, 5758]],
  ['Canon EOS 700D', [6602, -841, -939, -4472, 12458, 2247, -975, 2039, 6148]],
  ['Canon EOS 7D Mark II', [7268, -1082, -969, -4186, 11839, 2663, -825, 2029, 5839]],
  ['Fujifilm X-T1', [8458, -2451, -855, -4597, 12447, 2407, -1475, 2482, 6526]],
  ['Fujifilm X-T50', [11809, -5358, -1141, -4248, 12164, 2343, -514, 1097, 5848]],
  ['Olympus E-M1', [7687, -1984, -606, -4327, 11928, 2721, -1381, 2339, 6452]],
  ['Panasonic DC-GX9', [7564, -2263, -606, -3148, 11239, 2177, -540, 1435, 4853]],
  ['Pentax K-1', [8596, -2981, -639, -4202, 12046, 2431, -685, 1424, 6122]],
];

/** XYZ (D65) → camera RGB before white balance (DNG's ColorMatrix), by LibRaw's camera name. */
export const colourMatrices: ReadonlyMap<string, Matrix3> = new Map(
  tenThousandths.map(([name, [a, b, c, d, e, f, g, h, i]]) => [
    name,
    [a / 1e4, b / 1e4, c / 1e4, d / 1e4, e / 1e4, f / 1e4, g / 1e4, h / 1e4, i / 1e4],
  ]),
);
