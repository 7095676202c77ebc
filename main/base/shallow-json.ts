/** Parses JSON that others wrote, unless it is nested more deeply than anything valid. */

/** The deepest valid message or file has 8 levels. */
const depthMax = 64;

/** @returns undefined for invalid JSON, or JSON nested too deeply to inspect safely */
export function parseShallowJson(text: string): unknown {
  if (!isShallow(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isShallow(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (isInString) {
      if (char === '\\') at += 1;
      else if (char === '"') isInString = false;
    } else if (char === '"') {
      isInString = true;
    } else if (char === '[' || char === '{') {
      depth += 1;
      if (depth > depthMax) return false;
    } else if (char === ']' || char === '}') {
      depth -= 1;
    }
  }
  return true;
}
