/** IPTC data sets as files carry them in one block (IPTC-IIM 4.2, chapter 1). */

export interface IptcDataSet {
  readonly record: number;
  readonly dataSet: number;
  readonly value: Uint8Array;
}

const marker = 0x1c;
const headBytes = 5;
const dataSetsMax = 1000;
const blockBytesMax = 32_768;

/** Data sets up to the first that is damaged; those with extended lengths are pictures, and end it too. */
export function readIptc(block: Uint8Array): IptcDataSet[] {
  const found: IptcDataSet[] = [];
  let at = 0;
  while (at + headBytes <= block.length && block[at] === marker && found.length < dataSetsMax) {
    const [record = 0, dataSet = 0, high = 0, low = 0] = block.subarray(at + 1, at + headBytes);
    const length = high * 256 + low;
    const end = at + headBytes + length;
    if (length >= 0x8000 || end > block.length || end > blockBytesMax) break;
    found.push({ record, dataSet, value: Uint8Array.from(block.subarray(at + headBytes, end)) });
    at = end;
  }
  return found;
}

/** @returns undefined where there is nothing to say */
export function writeIptc(dataSets: readonly IptcDataSet[]): Uint8Array | undefined {
  if (dataSets.length === 0) return undefined;
  return Buffer.concat(
    dataSets.flatMap(({ record, dataSet, value }) => [
      Uint8Array.of(marker, record, dataSet, value.length >> 8, value.length & 0xff),
      value,
    ]),
  );
}
