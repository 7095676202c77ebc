/**
 * Bounded reader of Canon's CIFF (CRW): camera, time, and the position of the samples. The pinned
 * LibRaw build loses these files' model name (Canon, "CIFF Specification on Image Data File" 1.0).
 */

export interface CiffFile {
  readonly make?: string;
  readonly model?: string;
  /** Seconds since 1970 by the camera's own clock. */
  readonly takenAtSeconds?: number;
  /** True if samples are missing: their record is lost, or extends beyond the end of the file. */
  readonly isCut: boolean;
}

interface CiffRecord {
  readonly type: number;
  readonly at: number;
  readonly length: number;
}

const makeAndModel = 0x080a;
const capturedTime = 0x180e;
const rawSamples = 0x2005;
const maxDepth = 8;
const maxRecords = 4096;

function* records(
  view: DataView,
  start: number,
  length: number,
  depth: number,
): Generator<CiffRecord> {
  const end = start + length;
  if (length < 6 || end > view.byteLength || depth > maxDepth) return;
  const table = start + view.getUint32(end - 4, true);
  if (table + 2 > end) return;
  const count = Math.min(view.getUint16(table, true), Math.floor((end - table - 2) / 10));
  for (let index = 0; index < count; index++) {
    const at = table + 2 + index * 10;
    const type = view.getUint16(at, true);
    // The upper two bits tell whether the value is in the table itself.
    if ((type & 0xc000) !== 0) continue;
    const record = {
      type,
      length: view.getUint32(at + 2, true),
      at: start + view.getUint32(at + 6, true),
    };
    yield record;
    const isDirectory = (type & 0x3800) === 0x2800 || (type & 0x3800) === 0x3000;
    if (isDirectory) yield* records(view, record.at, record.length, depth + 1);
  }
}

/** Reads as much as possible; undefined if the bytes are not CIFF. */
export function readCiff(bytes: Uint8Array): CiffFile | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 26 || view.getUint16(0, false) !== 0x4949) return undefined;
  if (Buffer.from(bytes.subarray(6, 14)).toString('latin1') !== 'HEAPCCDR') return undefined;
  const start = view.getUint32(2, true);
  let camera: { make?: string; model?: string } = {};
  let takenAtSeconds: number | undefined;
  // The directory is at the end of the file, so a truncated file has none.
  let samplesEnd = Number.POSITIVE_INFINITY;
  let left = maxRecords;
  for (const { type, at, length } of records(view, start, bytes.byteLength - start, 0)) {
    if (left-- === 0) break;
    if (type === rawSamples) samplesEnd = at + length;
    if (at + length > bytes.byteLength) continue;
    if (type === capturedTime && length >= 4) takenAtSeconds = view.getUint32(at, true);
    if (type === makeAndModel) camera = cameraNames(bytes.subarray(at, at + length));
  }
  return {
    ...camera,
    ...(takenAtSeconds === undefined || takenAtSeconds === 0 ? {} : { takenAtSeconds }),
    isCut: samplesEnd > bytes.byteLength,
  };
}

function cameraNames(bytes: Uint8Array): { make?: string; model?: string } {
  const [make, model] = Buffer.from(bytes).toString('latin1').split('\0');
  const isName = (text: string | undefined): text is string =>
    text !== undefined && /^[ -~]+$/.test(text);
  return { ...(isName(make) ? { make } : {}), ...(isName(model) ? { model } : {}) };
}
