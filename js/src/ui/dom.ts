/** A little help with elements and icons. */

import { setAttribute, setStyle } from "./attributes";
import { setTip } from "./tooltip";

type Child = Node | string;
type Props = Record<string, string | number | boolean | ((event: never) => void)>;

type Tag = keyof HTMLElementTagNameMap;
type TagOf<S> = S extends `${infer T}.${string}` ? T : S;
type ElementOf<S> = TagOf<S> extends Tag ? HTMLElementTagNameMap[TagOf<S>] : never;

/**
 * An element of a tag and classes, with properties and children: `h("span.note", { role: "status" },
 * "Saved")` is a span of the class "s2w-note". Of properties, functions become listeners, a label the
 * accessible name, a group that of a group, a title a tooltip, the rest attributes.
 */
export function h<S extends Tag | `${Tag}.${string}`>(
  spec: S,
  ...content: (Props | Child)[]
): ElementOf<S> {
  const [tag = "", ...classes] = spec.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.map((name) => `s2w-${name}`).join(" ");
  if (tag === "button") element.setAttribute("type", "button");
  for (const one of content)
    if (typeof one === "string" || one instanceof Node) element.append(one);
    else for (const [name, value] of Object.entries(one)) setProperty(element, name, value);
  return element as ElementOf<S>;
}

function setProperty(element: HTMLElement, name: string, value: Props[string]): void {
  if (typeof value === "function") element.addEventListener(name, value as EventListener);
  else if (name === "title") setTip(element, String(value));
  else if (name === "label") setLabel(element, String(value));
  else if (name === "group") {
    element.setAttribute("role", name);
    setLabel(element, String(value));
  } else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
}

/** Call a listener at an event, as `addEventListener` does. */
export function on<K extends keyof GlobalEventHandlersEventMap>(
  target: EventTarget,
  type: K,
  listener: (event: GlobalEventHandlersEventMap[K]) => void,
  options?: AddEventListenerOptions | boolean,
): void {
  target.addEventListener(type, listener as EventListener, options);
}

/** Give the keyboard to an element; the page stays where it is. */
export function focusOn(element: HTMLElement): void {
  element.focus({ preventScroll: true });
}

/** Tell the style sheet a value: "share" is `--s2w-share` there. */
export function setVar(element: HTMLElement, name: string, value: number | string): void {
  setStyle(element, `--s2w-${name}`, String(value));
}

/** Change an element's accessible name. */
export function setLabel(element: Element, label: string): void {
  setAttribute(element, "aria-label", label);
}

/** Show a button that is a switch as on or off. */
export function setPressed(button: Element, on: boolean): void {
  setAttribute(button, "aria-pressed", String(on));
}

/** Icons of a single path. */
const PATHS = {
  box: "M2.5 5V3.5a1 1 0 0 1 1-1H5M11 2.5h1.5a1 1 0 0 1 1 1V5M13.5 11v1.5a1 1 0 0 1-1 1H11M5 13.5H3.5a1 1 0 0 1-1-1V11M2.5 7.25v1.5M13.5 7.25v1.5M7.25 2.5h1.5M7.25 13.5h1.5",
  brush:
    "M13.6 2.4c-.7-.7-1.7-.5-2.4.2L6.6 7.5l1.9 1.9 4.9-4.6c.7-.7.9-1.7.2-2.4zM6.4 8.1c-1.7 0-2.4 1-2.6 2.4-.1 1-.6 1.7-1.6 2.1 2.6 1.1 5.8.5 5.9-2.6",
  eraser:
    "m9 3.2 3.8 3.8a1 1 0 0 1 0 1.4L8.2 13H5.5L2.9 10.4a1 1 0 0 1 0-1.4L7.6 3.2a1 1 0 0 1 1.4 0zM5.2 6.5l4.6 4.6M8 13h5.5",
  undo: "M5.5 3 2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8H6.5",
  redo: "m10.5 3 3 3-3 3M13.5 6h-7a4 4 0 0 0 0 8h3",
  propagate: "M1.5 8h13M4.5 5l-3 3 3 3M11.5 5l3 3-3 3",
  forward: "M2.5 8h11M9.5 4l4 4-4 4",
  backward: "M13.5 8h-11M6.5 4l-4 4 4 4",
  accept: "m3 8.5 3.2 3.25L13 4.5",
  acceptSpan: "m4.5 7 2.3 2.3L11.5 4.5M2 13.25h12M2 11.5v3.5M14 11.5v3.5",
  first: "M4 3.5v9M12 3.5 6.5 8l5.5 4.5z",
  last: "M12 3.5v9M4 3.5 9.5 8 4 12.5z",
  loop: "M4.5 5H11a3 3 0 0 1 0 6H5a3 3 0 0 1-2.4-4.8M6.5 3l-2 2 2 2",
  markIn: "M6.5 2.75h-3v10.5h3M9 8h4.5",
  markOut: "M9.5 2.75h3v10.5h-3M7 8H2.5",
  full: "M2.75 6V2.75H6M10 2.75h3.25V6M13.25 10v3.25H10M6 13.25H2.75V10",
  results: "M8 2.25v7.25M4.9 6.6 8 9.7l3.1-3.1M2.75 10.75v2.5h10.5v-2.5",
  fitTime: "M1.75 3v10M14.25 3v10M4 8h8M6 6 4 8l2 2M10 6l2 2-2 2",
  fold: "m4.5 6.5 3.5 3.5 3.5-3.5",
  chart: "M2.25 2.25v11.5h11.5M4.5 10.5l2.75-3.5 2.25 2 3.75-4.75",
  reset: "M3 3v3.5h3.5M3.3 6.3A5.25 5.25 0 1 1 2.75 9",
  open: "m4.5 6.5 3.5 3.5 3.5-3.5",
  previous: "M10 3.5 5.5 8l4.5 4.5",
  next: "M6 3.5 10.5 8 6 12.5",
  add: "M8 3.25v9.5M3.25 8h9.5",
  remove: "m4.25 4.25 7.5 7.5M11.75 4.25l-7.5 7.5",
  trash: "M2.75 4.25h10.5M6 4V2.75h4V4M4.25 4.5l.6 8.75h6.3l.6-8.75M6.75 7v4M9.25 7v4",
  alert: "M8 2.25 14.25 13H1.75zM8 6.5v3M8 11.2v.1",
  hidden:
    "M6.4 4A6 6 0 0 1 8 3.75C12 3.75 14.5 8 14.5 8a11 11 0 0 1-1.9 2.3M4.3 5.1A10.5 10.5 0 0 0 1.5 8S4 12.25 8 12.25c1.3 0 2.4-.4 3.3-1M2.25 2.25l11.5 11.5",
} as const;

/** Icons that are more than a path. */
const ICONS = {
  positive: '<circle cx="8" cy="8" r="5.75"/><path d="M8 5.25v5.5M5.25 8h5.5"/>',
  negative: '<circle cx="8" cy="8" r="5.75"/><path d="M5.25 8h5.5"/>',
  polygon:
    '<path d="M4.2 4.6 3.4 11M5 12.6l6.2-.9M12.6 10.3 12 6.1M10.6 4.9 5.6 3.7"/><circle cx="4.3" cy="3.4" r="1.3"/><circle cx="11.9" cy="5.1" r="1.3"/><circle cx="12.7" cy="11.6" r="1.3"/><circle cx="3.6" cy="12.6" r="1.3"/>',
  everything:
    '<circle cx="5" cy="5" r="2.75"/><rect x="9.25" y="2.5" width="4.5" height="5" rx="1"/><path d="m4.9 9.6 3 4.4H2zM9.6 12.2c0-1.5 1-2.2 2.1-2.2s2 .7 2 1.9-.9 2-2 2-2.1-.4-2.1-1.7z"/>',
  zoomIn: '<circle cx="7" cy="7" r="4.5"/><path d="m10.4 10.4 3.35 3.35M7 5.1v3.8M5.1 7h3.8"/>',
  zoomOut: '<circle cx="7" cy="7" r="4.5"/><path d="m10.4 10.4 3.35 3.35M5.1 7h3.8"/>',
  hover:
    '<path d="M10.9 7.2c1.3-2.6-.6-4.9-3.3-4.9-3 0-5.3 2-5.3 4.8 0 2.6 2 3.9 4.4 3.4" stroke-dasharray="2.2 2"/><path d="m7.6 7.6 5.9 2.2-2.6 1.1-1.1 2.6z" fill="currentColor"/>',
  wipe: '<rect x="2.25" y="3" width="11.5" height="10" rx="1.5"/><path d="M8 1.5v13"/><path d="M8.5 3.5h4a.9.9 0 0 1 .9.9v7.2a.9.9 0 0 1-.9.9h-4z" fill="currentColor" stroke="none" opacity=".45"/>',
  display:
    '<path d="M2.5 4.75h6M12.5 4.75h1M2.5 11.25h1M7.5 11.25h6"/><circle cx="10.5" cy="4.75" r="1.75"/><circle cx="5.5" cy="11.25" r="1.75"/>',
  clear:
    '<circle cx="6.5" cy="6.5" r="4" stroke-dasharray="2.2 1.9"/><path d="m9.75 9.75 4 4M13.75 9.75l-4 4"/>',
  reject: '<circle cx="8" cy="8" r="5.75"/><path d="m4 12 8-8"/>',
  nextUnreviewed: '<path d="M2.5 8h6.5M6.5 5 9.5 8l-3 3"/><circle cx="12.5" cy="8" r="1.6"/>',
  play: '<path d="M5 3.25v9.5L12.5 8z" fill="currentColor"/>',
  pause: '<path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2.25"/>',
  solo: '<circle cx="8" cy="8" r="2" fill="currentColor"/><path d="M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11"/>',
  lock: '<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>',
  unlock:
    '<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 4.8-1"/>',
  tag: '<path d="M2.5 3.5a1 1 0 0 1 1-1h4.3l5.7 5.7-5.3 5.3-5.7-5.7z"/><circle cx="5.5" cy="5.5" r=".9"/>',
  help: '<circle cx="8" cy="8" r="5.75"/><path d="M6.4 6.4a1.7 1.7 0 1 1 2.5 1.5c-.6.35-.9.7-.9 1.4M8 11.2v.1"/>',
  stop: '<rect x="3.75" y="3.75" width="8.5" height="8.5" rx="1.5" fill="currentColor" stroke="none"/>',
  follow: '<circle cx="8" cy="8" r="2.25"/><path d="M8 1.5V4M8 12v2.5M1.5 8H4M12 8h2.5"/>',
  live: '<circle cx="8" cy="8" r="2" fill="currentColor"/><path d="M4.6 11.4a4.8 4.8 0 0 1 0-6.8M11.4 4.6a4.8 4.8 0 0 1 0 6.8"/>',
  visible:
    '<path d="M1.5 8S4 3.75 8 3.75 14.5 8 14.5 8 12 12.25 8 12.25 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.9"/>',
} as const;

export type IconName = keyof typeof PATHS | keyof typeof ICONS;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  if (isPath(name)) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", PATHS[name]);
    svg.append(path);
  } else svg.innerHTML = ICONS[name]; // Constants of this file, never data.
  return svg;
}

function isPath(name: IconName): name is keyof typeof PATHS {
  return name in PATHS;
}

/** Show an icon in place of another. What is there already costs nothing. */
export function setIcon(element: HTMLElement, name: IconName): void {
  if (element.dataset.icon === name) return;
  element.dataset.icon = name;
  element.replaceChildren(icon(name));
}

/** Change a text. One that is the same would lay the page out anew for nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export interface ButtonOptions {
  /** Written beside the icon. */
  text?: string;
  /** What the tooltip says besides the name. */
  hint?: string;
  /** As commands have it, for the tooltip. */
  key?: string;
}

/** A button whose name is both its accessible name and what its tooltip begins with. */
export function iconButton(
  name: IconName,
  label: string,
  onClick: () => void,
  { text = "", hint = "", key = "" }: ButtonOptions = {},
): HTMLButtonElement {
  const button = h(text ? "button.button.wide" : "button.button", { label, click: onClick });
  setTip(button, hint ? `${label}: ${hint}` : label, key);
  button.append(icon(name));
  if (text) button.append(h("span", text));
  return button;
}
