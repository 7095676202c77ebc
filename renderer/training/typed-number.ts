/**
 * Parses a typed number: "20,000" is twenty thousand, and "0,001" is a thousandth, as written in
 * much of the world. undefined if it is not a number.
 */
export function numberOf(text: string): number | undefined {
  const typed = text.trim();
  const isGrouped = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(typed);
  const value = Number(isGrouped ? typed.replaceAll(',', '') : typed.replace(',', '.'));
  return typed === '' || !Number.isFinite(value) ? undefined : value;
}
