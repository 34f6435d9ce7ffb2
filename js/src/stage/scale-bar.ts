/** A bar of a round length, in pixels or in the unit in which a pixel's size is known. */

import type { Store } from "../state/store";
import { roundLength } from "../state/units";
import { setAttribute, setStyle } from "../ui/attributes";
import { h, setLabel, setText } from "../ui/dom";
import type { Viewport } from "./viewport";

/** Share of the stage's width that it takes at most, and CSS pixels. */
const SHARE = 0.28;
const MAX_WIDTH = 180;

/** Whether the bar is to be seen: by choice, or because the size of a pixel is known. */
export function showsScaleBar(store: Store): boolean {
  return store.state.display.scaleBar ?? store.state.video.pixel_size !== null;
}

export class ScaleBar {
  readonly element: HTMLElement;
  private readonly text = h("span");
  private readonly bar = h("i", { "aria-hidden": "true" });

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
  ) {
    this.element = h("div.scale", { role: "img", hidden: true }, this.text, this.bar);
  }

  update(): void {
    const { video } = this.store.state;
    const [width] = this.viewport.stage;
    const isHidden = !showsScaleBar(this.store) || width === 0 || video.width === 0;
    setAttribute(this.element, "hidden", isHidden);
    if (isHidden) return;
    const { scale } = this.viewport.transform;
    const { px, text } = roundLength(Math.min(MAX_WIDTH, SHARE * width) / scale, video.pixel_size);
    setText(this.text, text);
    setStyle(this.bar, "width", `${px * scale}px`);
    const label = `Scale bar: ${text}${describe(video.pixel_size)}`;
    if (this.element.getAttribute("aria-label") === label) return;
    setLabel(this.element, label);
    this.element.title = label;
  }
}

function describe(pixel: Store["state"]["video"]["pixel_size"]): string {
  if (!pixel) return "";
  const size = pixel.x === pixel.y ? `${pixel.x}` : `${pixel.x} x ${pixel.y}`;
  return `. A pixel is ${size} ${pixel.unit}${pixel.source ? `, as its ${pixel.source} says` : ""}`;
}
