/** Says at the pointer, or the crosshair, what a click there does in place of putting a point. */

import type { Store } from "../state/store";
import { setAttribute } from "../ui/attributes";
import { h, setText } from "../ui/dom";
import type { Meaning } from "./input/prompter";
import type { Place, Viewport } from "./viewport";

/** From the pointer to the tag, in CSS pixels. */
const DISTANCE = 16;
const EDGE = 4;

export class NameTag {
  /** Screen readers hear what the crosshair is on. */
  readonly element: HTMLElement;
  private readonly swatch = h("span.tag-swatch", { "aria-hidden": "true" });
  private readonly title = h("strong");
  private readonly hint = h("span.tag-hint");
  private size: [number, number] = [0, 0];

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
  ) {
    this.element = h(
      "div.tag",
      { role: "status", hidden: true },
      this.swatch,
      this.title,
      this.hint,
    );
  }

  /** `key` is what is pressed: a click, or Enter. */
  show(meaning: (Meaning & { at: Place }) | null, key: "click" | "Enter"): void {
    setAttribute(this.element, "hidden", meaning === null);
    if (!meaning) {
      setText(this.title, "");
      setText(this.hint, "");
      return;
    }
    const { does, object, at } = meaning;
    const { selectedObject } = this.store;
    const alt = key === "Enter" ? "Alt Enter" : "Alt-click";
    const [title, hint] =
      does === "select"
        ? [`Select ${object.name}`, selectedObject ? `${alt}: prompt ${selectedObject.name}` : ""]
        : [`${object.name} is accepted`, `A ${key} asks first; ${alt} changes it`];
    this.swatch.style.backgroundColor = object.color;
    if (this.title.textContent !== title || this.hint.textContent !== hint) {
      setText(this.title, title);
      setText(this.hint, hint);
      this.size = [this.element.offsetWidth, this.element.offsetHeight];
    }
    const [width, height] = this.viewport.stage;
    const x =
      at.x + DISTANCE + this.size[0] > width ? at.x - DISTANCE - this.size[0] : at.x + DISTANCE;
    const y =
      at.y + DISTANCE + this.size[1] > height ? at.y - DISTANCE - this.size[1] : at.y + DISTANCE;
    this.element.style.translate = `${Math.max(EDGE, x)}px ${Math.max(EDGE, y)}px`;
  }
}
