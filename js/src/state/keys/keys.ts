/** Keys as a table, from which they are handled, explained and named in tooltips. */

export interface Command {
  /** As in "A", "Shift+A", "Ctrl+Z", "ArrowLeft", "Space", "?". Ctrl is Command on a Mac. */
  keys: string[];
  label: string;
  /** Heading in the help. */
  group: string;
  enabled?: () => boolean;
  run: (event: KeyboardEvent) => void;
}

/** Makes commands of a group, which can be carried out while they are enabled. */
export function commandsOf(group: string, enabled?: () => boolean) {
  return (keys: string | string[], label: string, run: Command["run"]): Command => ({
    ...{ keys: [keys].flat(), label, group, run },
    ...(enabled && { enabled }),
  });
}

/** Carry out the first command that has this key; false when none has, or none may now. */
export function handleKey(event: KeyboardEvent, commands: Command[]): boolean {
  const find = (pressed: string) =>
    commands.find(({ keys, enabled }) => keys.includes(pressed) && enabled?.() !== false);
  const command = find(nameOf(event)) ?? find(digitOf(event));
  command?.run(event);
  return command !== undefined;
}

/** Where arrow keys lead, in x and y. */
export const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const WITH_ALT: Record<string, string> = { "≠": "=", "±": "+", "–": "-", "—": "-" };

/** What is pressed, as commands write it. Shift counts where it makes no other character. */
export function nameOf(event: KeyboardEvent): string {
  // On a Mac, Alt+1 makes "¡" and Alt+- a dash.
  const digit = event.altKey && /^Digit(\d)$/.exec(event.code)?.[1];
  const key = digit || (event.altKey && WITH_ALT[event.key]) || event.key;
  const letter = /^[a-z]$/i.test(key);
  const name = key === " " ? "Space" : letter ? key.toUpperCase() : key;
  const shift = event.shiftKey && (letter || name.length > 1);
  return [
    ...(event.ctrlKey || event.metaKey ? ["Ctrl"] : []),
    ...(event.altKey ? ["Alt"] : []),
    ...(shift ? ["Shift"] : []),
    name,
  ].join("+");
}

/** Shift and a digit, also where that makes a character of another name: "Shift+1" for "!". */
function digitOf({ code, key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  const digit = /^Digit([1-9])$/.exec(code)?.[1];
  // Where digits are typed with Shift, they are those without it elsewhere.
  const plain = shiftKey && !ctrlKey && !metaKey && !altKey && key !== digit;
  return digit && plain ? `Shift+${digit}` : "";
}

/**
 * Whether an element has a use of its own for a key: a field for text has one for all, a button for
 * Enter and the space bar, a list or a slider for arrows. The slider of frames leaves them to the
 * view, whose keys do the same.
 */
export function keepsKey(element: Element, key: string): boolean {
  if (takesText(element)) return true;
  if (element instanceof HTMLSelectElement) return key !== "Escape";
  if (element instanceof HTMLButtonElement) return /^(Enter| )$/.test(key);
  if (!(element instanceof HTMLInputElement)) return false;
  if (element.type === "range")
    return element.getAttribute("aria-label") !== "Frame" && /^(Arrow|Page|Home|End)/.test(key);
  return /^(Enter| )$/.test(key); // a switch, a colour
}

/** Whether what is typed goes into an element. */
export function takesText(element: Element): boolean {
  if (element instanceof HTMLInputElement)
    return !["button", "checkbox", "color", "radio", "range"].includes(element.type);
  return (
    element instanceof HTMLTextAreaElement ||
    (element instanceof HTMLElement && element.isContentEditable)
  );
}

const SHOWN: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
};

/** A key for people: "Shift ←". */
export function shown(keys: string): string {
  return parts(keys).join(" ");
}

/** What is pressed together, for people: "Shift" and "←". */
export function parts(keys: string): string[] {
  return keys.split(/\+(?=.)/).map((key) => SHOWN[key] ?? key);
}
