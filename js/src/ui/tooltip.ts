/** Tooltips at once, with the key that does the same: the page's own take a second. */

import { h } from "./dom";

const DELAY_MS = 150;
/** Another tooltip comes at once that follows one so soon. */
const WARM_MS = 600;
const GAP_PX = 6;
const KEY =
  /^(?:(?:Ctrl|Shift|Alt)\+)*(?:[A-Z?<>]|\d|Escape|Space|Delete|Backspace|Enter|Home|End)$/;

export interface Parts {
  text: string;
  more: string;
  keys: string;
}

/** "Undo: click (Ctrl+Z)" is a text and a key; "Follow (show each frame; F)" has more to say. */
export function partsOf(title: string): Parts {
  const [, text, inner] = /^(.*?) \(([^()]*)\)$/s.exec(title) ?? [];
  if (text === undefined || inner === undefined) return { text: title, more: "", keys: "" };
  const said = inner.split("; ");
  const last = said.at(-1) as string;
  if (!KEY.test(last)) return { text, more: inner, keys: "" };
  return { text, more: said.slice(0, -1).join("; "), keys: last };
}

/** Shows what elements of a view have as their title, which is taken from them meanwhile. */
export class Tooltips {
  private readonly tip = h("div", { class: "s2w-tip", "aria-hidden": "true", popover: "manual" });
  private target: HTMLElement | null = null;
  private waiting = 0;
  private hiddenAt = Number.NEGATIVE_INFINITY;
  private readonly watcher = new MutationObserver(() => {
    if (this.target?.hasAttribute("title")) this.take();
  });

  constructor(private readonly root: HTMLElement) {
    // Where a page cannot put it above all else, the page's own have to do.
    if (!this.tip.showPopover) return;
    root.append(this.tip);
    root.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") this.point(event.target as Element);
    });
    root.addEventListener("pointerleave", () => this.hide());
    root.addEventListener("pointerdown", () => this.hide());
    root.addEventListener("keydown", () => this.hide(), true);
    root.addEventListener("focusin", ({ target }) => {
      if ((target as Element).matches(":focus-visible")) this.point(target as Element);
    });
    root.addEventListener("focusout", () => this.hide());
  }

  close(): void {
    this.hide();
  }

  private point(element: Element): void {
    const target = element.closest<HTMLElement>("[title], [data-tip]");
    if (target === this.target) return;
    this.hide();
    if (!target || !this.root.contains(target) || target === this.root) return;
    this.target = target;
    this.take();
    this.watcher.observe(target, { attributes: true, attributeFilter: ["title"] });
    const wait = performance.now() - this.hiddenAt < WARM_MS ? 0 : DELAY_MS;
    this.waiting = window.setTimeout(() => this.show(), wait);
  }

  private take(): void {
    const { target } = this;
    if (!target) return;
    target.dataset.tip = target.title;
    target.removeAttribute("title");
    if (this.tip.matches(":popover-open")) this.show();
  }

  private show(): void {
    const { target, tip } = this;
    const { text, more, keys } = partsOf(target?.dataset.tip ?? "");
    if (!target?.isConnected || !text) return;
    tip.replaceChildren(
      h("b", {}, text),
      ...(keys ? [h("kbd", {}, keys)] : []),
      ...(more ? [h("span", {}, more)] : []),
    );
    if (!tip.matches(":popover-open")) tip.showPopover();
    const at = target.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    const x = at.left + at.width / 2 - width / 2;
    const below = at.bottom + GAP_PX;
    const y = below + height < window.innerHeight ? below : at.top - GAP_PX - height;
    tip.style.left = `${Math.max(4, Math.min(window.innerWidth - width - 4, x))}px`;
    tip.style.top = `${Math.max(4, y)}px`;
  }

  private hide(): void {
    window.clearTimeout(this.waiting);
    this.watcher.disconnect();
    const { target } = this;
    if (this.tip.matches?.(":popover-open")) {
      this.tip.hidePopover();
      this.hiddenAt = performance.now();
    }
    if (target && !target.hasAttribute("title") && target.dataset.tip)
      target.title = target.dataset.tip;
    if (target) delete target.dataset.tip;
    this.target = null;
  }
}
