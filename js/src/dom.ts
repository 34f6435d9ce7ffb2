/** A little help with elements and icons. */

type Child = Node | string;
type Props = Record<string, string | number | boolean | ((event: never) => void)>;

/** An element: functions become listeners, the rest attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

const ICONS = {
  positive: '<circle cx="8" cy="8" r="6"/><path d="M8 5v6M5 8h6"/>',
  negative: '<circle cx="8" cy="8" r="6"/><path d="M5 8h6"/>',
  box: '<rect x="2.5" y="3.5" width="11" height="9" rx="1" stroke-dasharray="2.6 1.6"/>',
  undo: '<path d="M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5 6 3.5M3 6.5l3 3"/>',
  redo: '<path d="M13 6.5H6.5a3.5 3.5 0 0 0 0 7H10M13 6.5l-3-3M13 6.5l-3 3"/>',
  propagate: '<path d="M1.5 8h13M4.5 5l-3 3 3 3M11.5 5l3 3-3 3"/>',
  forward: '<path d="M2 8h11M9.5 4.5 13 8l-3.5 3.5"/>',
  backward: '<path d="M14 8H3M6.5 4.5 3 8l3.5 3.5"/>',
  stop: '<rect x="4" y="4" width="8" height="8" rx="1" fill="currentColor"/>',
  add: '<path d="M8 3v10M3 8h10"/>',
  remove: '<path d="M4 4l8 8M12 4l-8 8"/>',
  visible:
    '<path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="2"/>',
  hidden: '<path d="M2 2l12 12M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z"/>',
} as const;

export type IconName = keyof typeof ICONS;

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = ICONS[name]; // constants of this file, never data
  return svg;
}

/** A button whose name is both its accessible name and its tooltip. */
export function iconButton(
  name: IconName,
  label: string,
  onClick: () => void,
  { text = "", hint = "" } = {},
): HTMLButtonElement {
  const button = h("button", {
    type: "button",
    class: text ? "s2w-button s2w-wide" : "s2w-button",
    "aria-label": label,
    title: hint ? `${label} (${hint})` : label,
    click: onClick,
  });
  button.append(icon(name));
  if (text) button.append(h("span", {}, text));
  return button;
}
