/**
 * Tooltips: what a control does, and its key, as soon as the pointer is on it or Tab reaches it.
 *
 * `setTip(element, "Undo: point", "Ctrl+Z")` gives an element one in place of a `title`, which a
 * browser shows after a second and without the key; `h("span", { title: "…" })` does so too, and a
 * `title` that an element has all the same becomes one. The element's accessible name stays what it
 * is, the tip is its description. One `Tooltip` a view shows them all.
 */

import { parts } from "../state/keys/keys";
import { setAttribute } from "./attributes";
import { on } from "./dom";
import { hideFloating, showFloating } from "./floating";

/** Give an element a tooltip, or take it away with an empty text. Keys as commands have them. */
export function setTip(element: Element, text: string, key = ""): void {
  setAttribute(element, "data-tip", text || null);
  setAttribute(element, "data-tip-key", key || null);
  const says = text === element.getAttribute("aria-label") ? "" : text;
  setAttribute(element, "aria-description", says || null);
  setAttribute(element, "aria-keyshortcuts", key.replaceAll("Ctrl", "Control") || null);
}

export function tipOf(element: Element): string {
  return element.getAttribute("data-tip") ?? "";
}

/** Show all that an element says where it is cut short. */
export function tipWhereCut(element: HTMLElement): void {
  on(element, "pointerenter", () => {
    const { scrollWidth, clientWidth, textContent } = element;
    setTip(element, scrollWidth > clientWidth ? (textContent ?? "") : "");
  });
}

export class Tooltip {
  readonly element = document.createElement("div");
  private anchor: Element | null = null;

  constructor(root: HTMLElement) {
    this.element.className = "s2w-tip";
    this.element.setAttribute("aria-hidden", "true"); // screen readers have the description
    this.element.hidden = true;
    on(root, "pointerover", (event) => {
      if (event.pointerType !== "touch") this.show(tipped(event.target));
    });
    on(root, "pointerleave", () => this.show(null));
    on(root, "pointerdown", () => this.show(null));
    on(root, "keydown", () => this.show(null), true);
    on(root, "focusin", ({ target }) => {
      if (target instanceof Element && target.matches(":focus-visible")) this.show(tipped(target));
    });
    on(root, "focusout", () => this.show(null));
  }

  close(): void {
    this.show(null);
  }

  /** What it says may have changed, or its control have gone. */
  update(): void {
    const { anchor } = this;
    if (!anchor) return;
    if (!anchor.isConnected || anchor.getClientRects().length === 0) this.show(null);
    else this.fill(anchor);
  }

  private show(anchor: Element | null): void {
    if (anchor === this.anchor) return;
    this.anchor = anchor;
    if (anchor) this.fill(anchor);
    else hideFloating(this.element);
  }

  private fill(anchor: Element): void {
    const key = anchor.getAttribute("data-tip-key");
    const text = tipOf(anchor);
    if (text === "") {
      this.show(null);
      return;
    }
    const caps = key ? parts(key).map(cap) : [];
    const content = [text, ...caps];
    this.element.replaceChildren(...content);
    showFloating(this.element, anchor, "middle");
  }
}

function tipped(target: EventTarget | null): Element | null {
  const element = target instanceof Element ? target.closest("[data-tip], [title]") : null;
  const title = element?.getAttribute("title");
  if (element && title) {
    setTip(element, title);
    element.removeAttribute("title");
  }
  return element;
}

function cap(key: string): HTMLElement {
  const element = document.createElement("kbd");
  element.textContent = key;
  return element;
}
