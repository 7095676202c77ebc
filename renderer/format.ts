/** Formats numbers as photographers write them. */

export function ratioWords(ratio: number): string {
  const digits = ratio < 10 ? 2 : ratio < 100 ? 1 : 0;
  return `×${Number(ratio.toFixed(digits))}`;
}

export function shutterWords(seconds: number): string {
  if (seconds >= 0.4) return `${Number(seconds.toFixed(1))} s`;
  return `1/${Math.round(1 / seconds)} s`;
}

/** "+0.30": for sliders with both signs. */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** Displays −1 to 1 as −100 to 100. */
export function hundredths(value: number): string {
  return signed(value * 100, 0);
}

export function bytesWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} KB`;
}

export function durationWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** "28 Nov, 14:05", by this computer's clock. */
export function momentWords(ms: number): string {
  return new Date(ms).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}

export function megapixels(width: number, height: number): string {
  const value = (width * height) / 1e6;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MP`;
}

/**
 * Why a photo failed, the reason first: a narrow place cuts the end. Its name stands beside it.
 * @param message a refusal about the photo, such as "a.dng is cut short: …" or "expected a camera RAW
 *   file for a.dng, but it holds text"
 */
export function reasonFirst(message: string, name: string): string {
  const [, wanted, came] = /^expected (.+?),? but (.+)$/s.exec(message) ?? [];
  if (wanted?.includes(name) === true && came !== undefined) {
    const what = wanted.replace(` for ${name}`, '').replace(/^a /, '');
    return capital(what.includes(name) ? came : `${came}, no ${what}`);
  }
  const own = message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
  return capital(own.replace(/^is /, ''));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "a.tif · Nightglass": the file of a path first, then its folder. */
export function fileFirst(path: string): string {
  const [file = path, folder] = path.split(/[\\/]/).reverse();
  return folder === undefined || folder === '' ? file : `${file} · ${folder}`;
}
