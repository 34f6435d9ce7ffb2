/**
 * A button that opens a panel: a menu of actions, or settings.
 *
 *     const results = new Popover({ icon: "save", label: "Results", text: "Results", menu: true }, [
 *       menuItem("MP4…", () => exportAs("mp4"), { icon: "film" }),
 *       menuItem("Copy as Python", copy, { key: "Ctrl+Shift+C" }),
 *     ]);
 *     toolbar.add(results.element);
 *
 * With `menu`, the panel is a menu to screen readers, and holds `menuItem`s; without, whatever you
 * like, and a `menuItem` in it is a button. Choosing an item closes it, changing a setting does not.
 * Arrow keys go from item to item, Escape closes and gives the focus back, as does a press elsewhere.
 * `onOpen` is called before it is shown. It lies above the page, inside the window. A `button` of
 * your own takes the place of the one with an icon.
 */

import { take } from "./controls";
import { focusOn, h, type IconName, icon, iconButton, on } from "./dom";
import { type Align, hideFloating, placeFloating, type Side, showFloating } from "./floating";
import { setTip } from "./tooltip";

export interface PopoverOptions {
  /** With an icon, or one of your own. */
  icon: IconName | HTMLButtonElement;
  /** The button's and the panel's accessible name. */
  label: string;
  text?: string;
  hint?: string;
  key?: string;
  menu?: boolean;
  /** Which of its sides is the button's. */
  align?: Align;
  side?: Side;
  onOpen?: () => void;
}

/** Of a panel that scrolls, and what it keeps from the window's edge, in CSS pixels. */
const MIN_HEIGHT = 160;
const EDGE = 4;
const FOCUSABLE = "button, input, select, textarea, [tabindex]";

export class Popover {
  /** Button and panel. */
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly panel: HTMLElement;
  private readonly closeElsewhere = ({ target }: Event) => {
    if (!this.element.contains(target as Node)) this.close();
  };
  /** Beside what it lies, and on which side. */
  private readonly beside: [HTMLElement, Align, Side | undefined];
  private readonly onOpen: (() => void) | undefined;
  private readonly follow = () => placeFloating(this.panel, ...this.beside);

  constructor(options: PopoverOptions, children: Node[]) {
    const { icon: own, label, menu = false, align = "end", side, onOpen } = options;
    this.onOpen = onOpen;
    const toggle = () => (this.opened ? this.close() : this.open());
    this.button = typeof own === "string" ? iconButton(own, label, toggle, options) : own;
    if (this.button === own) on(own, "click", toggle);
    this.beside = [this.button, align, side];
    this.button.setAttribute("aria-haspopup", menu ? "menu" : "true");
    this.button.setAttribute("aria-expanded", "false");
    this.panel = h(
      "div.popover",
      { role: menu ? "menu" : "group", label, hidden: true },
      ...children,
    );
    if (menu)
      for (const item of this.panel.querySelectorAll(".s2w-item"))
        item.setAttribute("role", "menuitem");
    this.element = h("span.menu", this.button, this.panel);
    on(this.element, "keydown", (event) => this.handleKey(event));
    on(this.element, "focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.element.contains(relatedTarget as Node)) this.close();
    });
    on(this.panel, "click", ({ target }) => {
      if (target instanceof Element && target.closest(".s2w-item")) this.close(true);
    });
  }

  get opened(): boolean {
    return !this.panel.hidden;
  }

  open(): void {
    if (this.opened) return;
    this.onOpen?.();
    this.button.setAttribute("aria-expanded", "true");
    showFloating(this.panel, ...this.beside);
    this.items[0]?.focus({ preventScroll: true });
    on(document, "pointerdown", this.closeElsewhere, true);
    on(window, "scroll", this.follow, { capture: true, passive: true });
    on(window, "resize", this.follow);
  }

  /** Put it where it belongs, after it has got larger or smaller: inside the window. */
  place(): void {
    if (!this.opened) return;
    this.panel.style.maxHeight = "";
    this.follow();
    const { top } = this.panel.getBoundingClientRect();
    this.panel.style.maxHeight = `${Math.max(MIN_HEIGHT, window.innerHeight - top - EDGE)}px`;
  }

  /** Close it; with `refocus`, the button has the focus again. */
  close(refocus = false): void {
    if (!this.opened) return;
    hideFloating(this.panel);
    this.button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", this.closeElsewhere, true);
    window.removeEventListener("scroll", this.follow, { capture: true });
    window.removeEventListener("resize", this.follow);
    if (refocus) focusOn(this.button);
  }

  private get items(): HTMLElement[] {
    return [...this.panel.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
      (item) => !item.hidden && !item.hasAttribute("disabled"),
    );
  }

  private handleKey(event: KeyboardEvent): void {
    const { key, target } = event;
    if (!this.opened) {
      if (key !== "ArrowDown" || target !== this.button) return;
      this.open();
    } else if (key === "Escape") this.close(true);
    else if (target instanceof HTMLElement && !usesKey(target, key)) {
      // A select would keep the arrows that came to it: Tab goes there.
      const items = this.items.filter(({ tagName }) => tagName !== "SELECT");
      const at = items.indexOf(target);
      const next = {
        ArrowDown: (at + 1) % items.length,
        ArrowUp: (at - 1 + items.length) % items.length,
        Home: 0,
        End: items.length - 1,
      }[key];
      if (next === undefined) return;
      items[next]?.focus();
    } else return;
    take(event);
  }
}

/** A row of a panel that does something. */
export function menuItem(
  label: string,
  run: () => void,
  options: { icon?: IconName; hint?: string; key?: string } = {},
): HTMLButtonElement {
  const item = h(
    "button.item",
    { label, click: run },
    ...(options.icon ? [icon(options.icon)] : []),
    h("span", label),
  );
  if (options.key) item.append(h("kbd", { "aria-hidden": "true" }, options.key));
  if (options.hint) setTip(item, options.hint, options.key);
  return item;
}

/** Whether a control has a use of its own for a key that goes from item to item. */
function usesKey(element: HTMLElement, key: string): boolean {
  if (element instanceof HTMLSelectElement) return true;
  if (!(element instanceof HTMLInputElement) || element.type === "checkbox") return false;
  return element.type !== "text" || key === "Home" || key === "End";
}
