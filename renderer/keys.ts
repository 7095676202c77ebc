/**
 * All keys of the window in one table, which key handling, the tips of buttons and the help sheet
 * use.
 */

/**
 * Keys are `KeyboardEvent.key` in lower case, after `mod` (Ctrl, or Command on a Mac) and `shift`.
 * Shift is ignored for signs, because some keyboards have them above a digit and others do not.
 */
interface Shortcut {
  readonly command: string;
  readonly keys: readonly string[];
}

const digits = ['0', '1', '2', '3', '4', '5'] as const;

/** For all screens. */
export const windowKeys = [
  { command: 'openFolder', keys: ['mod+o'] },
  { command: 'showLibrary', keys: ['g'] },
  { command: 'showDevelop', keys: ['d'] },
  { command: 'showTraining', keys: ['t'] },
  { command: 'export', keys: ['e', 'mod+e'] },
  { command: 'enhanceAll', keys: ['mod+shift+e'] },
  { command: 'queue', keys: ['q'] },
  { command: 'copyEdits', keys: ['mod+c'] },
  { command: 'pasteEdits', keys: ['mod+v'] },
  { command: 'syncEdits', keys: ['mod+shift+s'] },
  { command: 'undo', keys: ['mod+z'] },
  { command: 'redo', keys: ['mod+shift+z', 'mod+y'] },
  { command: 'settings', keys: ['mod+,'] },
  { command: 'help', keys: ['?', 'f1'] },
] as const satisfies readonly Shortcut[];

/** There, the arrow keys also move through the photos, and with Shift select them: see Grid. */
export const libraryKeys = [
  { command: 'openPhoto', keys: ['enter'] },
  { command: 'select', keys: [' '] },
  { command: 'selectAll', keys: ['mod+a'] },
  { command: 'selectNone', keys: ['escape'] },
  { command: 'rate', keys: digits },
  { command: 'fold', keys: ['b'] },
  { command: 'foldAll', keys: ['shift+b'] },
  { command: 'merge', keys: ['m'] },
  { command: 'search', keys: ['mod+f'] },
] as const satisfies readonly Shortcut[];

export const developKeys = [
  { command: 'previous', keys: ['arrowleft'] },
  { command: 'next', keys: ['arrowright'] },
  { command: 'copyPrevious', keys: ['mod+shift+v'] },
  { command: 'autoRatio', keys: ['a'] },
  { command: 'split', keys: ['y'] },
  { command: 'beside', keys: ['shift+y'] },
  { command: 'before', keys: ['\\'] },
  { command: 'zoom', keys: ['z'] },
  { command: 'zoomIn', keys: ['+', '='] },
  { command: 'zoomOut', keys: ['-'] },
  { command: 'panLeft', keys: ['shift+arrowleft'] },
  { command: 'panRight', keys: ['shift+arrowright'] },
  { command: 'panUp', keys: ['shift+arrowup'] },
  { command: 'panDown', keys: ['shift+arrowdown'] },
  { command: 'guessed', keys: ['o'] },
  { command: 'clipping', keys: ['j'] },
  { command: 'pick', keys: ['w'] },
  { command: 'crop', keys: ['r'] },
  { command: 'cropDone', keys: ['enter'] },
  { command: 'rotateLeft', keys: ['['] },
  { command: 'rotateRight', keys: [']'] },
  { command: 'fold', keys: ['b'] },
  { command: 'merge', keys: ['m'] },
  { command: 'rate', keys: digits },
  { command: 'leave', keys: ['escape'] },
] as const satisfies readonly Shortcut[];

export type Command = (
  (typeof windowKeys)[number] | (typeof libraryKeys)[number] | (typeof developKeys)[number]
)['command'];

type KeyPress = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

/** The command of a key press on a screen; undefined if there is none. */
export function commandOf<C extends string>(
  press: KeyPress,
  shortcuts: readonly { readonly command: C; readonly keys: readonly string[] }[],
): C | undefined {
  return shortcuts.find(({ keys }) => keys.some((combo) => isPressed(combo, press)))?.command;
}

function isPressed(combo: string, press: KeyPress): boolean {
  const { key, isMod, isShift } = parts(combo);
  const isHeld = press.ctrlKey || press.metaKey;
  if (press.key.toLowerCase() !== key) return false;
  // On some keyboards, brackets and similar signs need Alt or AltGr (which is Ctrl and Alt).
  const isSign = key.length === 1 && !/[a-z ]/.test(key);
  if (isSign) return press.altKey ? !isMod : isMod === isHeld;
  return !press.altKey && isMod === isHeld && press.shiftKey === isShift;
}

function parts(combo: string): { key: string; isMod: boolean; isShift: boolean } {
  const isMod = combo.startsWith('mod+');
  const rest = isMod ? combo.slice(4) : combo;
  const isShift = rest.startsWith('shift+');
  return { key: isShift ? rest.slice(6) : rest, isMod, isShift };
}

const names: Readonly<Record<string, string>> = {
  ' ': 'Space',
  enter: 'Enter',
  escape: 'Esc',
  arrowleft: '←',
  arrowright: '→',
  arrowup: '↑',
  arrowdown: '↓',
};

/** "Ctrl+Shift+Z", "⇧⌘Z". */
function comboWords(combo: string, isMac: boolean): string {
  const { key, isMod, isShift } = parts(combo);
  const name = names[key] ?? key.toUpperCase();
  if (isMac) return `${isShift ? '⇧' : ''}${isMod ? '⌘' : ''}${name}`;
  return `${isMod ? 'Ctrl+' : ''}${isShift ? 'Shift+' : ''}${name}`;
}

/** All keys of a command, for the help sheet; a row of digits is shown as a range. */
export function keyWords(keys: readonly string[], isMac: boolean): readonly string[] {
  if (keys === digits) return [`${digits[0]}–${digits[5]}`];
  return keys.map((combo) => comboWords(combo, isMac));
}

/** The first key of a command, for its button's tip. */
export function tipOf(command: Command, isMac: boolean): string {
  const all: readonly Shortcut[] = [...windowKeys, ...developKeys, ...libraryKeys];
  const [combo = ''] = all.find((shortcut) => shortcut.command === command)?.keys ?? [];
  return comboWords(combo, isMac);
}

/** Whether the focused element handles this key itself: letters in a field, arrows in a choice. */
export function isTaken({ key, target }: Pick<KeyboardEvent, 'key' | 'target'>): boolean {
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return true;
  const isArrow = key.startsWith('Arrow');
  const isPress = key === 'Enter' || key === ' ';
  if (target instanceof HTMLInputElement) {
    if (target.type === 'text' || target.type === 'search') return true;
    if (target.type === 'range' || target.type === 'radio') return isArrow;
    return isPress;
  }
  return isPress && (target instanceof HTMLButtonElement || isSummary(target));
}

function isSummary(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.tagName === 'SUMMARY';
}
