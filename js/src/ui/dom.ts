/** A little help with elements and icons. */

import { setAttribute, setStyle } from "./attributes";
import { type IconName, icon } from "./icons";
import { setTip } from "./tooltip";

export { type IconName, icon } from "./icons";

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
