/** Dates that exist: what clocks without a battery write (month 0, 30 February) is told apart. */

/** @param month 1–12 */
export function isDay(year: number, month: number, day: number): boolean {
  if (!(year > 1900 && month >= 1 && month <= 12 && day >= 1)) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

export const isClock = (hour: number, minute: number, second: number): boolean =>
  hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60;

/** Zones run from −12:00 to +14:00. */
export function isZone(text: string): boolean {
  const match = /^([+-])(\d\d):(\d\d)$/.exec(text);
  if (match === null) return false;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return Number(match[3]) < 60 && minutes <= (match[1] === '-' ? 12 : 14) * 60;
}

/** A text that begins like an EXIF, ISO 8601 or IPTC date, and is one. */
export function isDateText(text: string): boolean {
  const match = /^(\d{4})(?:[:-]?(\d\d)(?:[:-]?(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?)?)?/.exec(
    text.trim(),
  );
  if (match === null) return false;
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part: string | undefined) => (part === undefined ? undefined : Number(part)));
  return isDay(year ?? 0, month, day) && isClock(hour, minute, second);
}
