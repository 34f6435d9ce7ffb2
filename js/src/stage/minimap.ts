/** All of the frame, small, with what is on the stage: to see where one is, and to go elsewhere. */

import { changeDisplay } from "../panels/display";
import { ARROWS } from "../state/keys/keys";
import type { Store } from "../state/store";
import { setAttribute } from "../ui/attributes";
import { cleared } from "../ui/canvas";
import { onDrag, take } from "../ui/controls";
import { focusOn, h } from "../ui/dom";
import { fitScale, type Size } from "./view-transform";
import type { Viewport } from "./viewport";

/** Of its longer side: CSS pixels, and a share of the stage's width. */
const MAX_SIDE = 150;
const SHARE = 0.24;
/** Of what is on the stage, by which an arrow key moves it. */
const STEP = 0.2;

export class Minimap {
  readonly element: HTMLCanvasElement;
  private scale = 1;

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
    /** The pixels that are on the stage. */
    private readonly pixels: () => ImageBitmap | undefined,
  ) {
    this.element = h("canvas.minimap", {
      role: "application",
      tabindex: 0,
      hidden: true,
      label: "Minimap. Arrows move the view, Escape hides it.",
      title: "Click or drag to go elsewhere; Esc or Shift+Z hides it",
      keydown: (event: KeyboardEvent) => this.key(event),
    });
    onDrag(this.element, (event) => {
      event.preventDefault();
      this.goTo(event);
    });
  }

  /** Draw it, where it is wanted and there is something to see. */
  draw(): void {
    const { display, video } = this.store.state;
    const [width, height] = this.viewport.stage;
    const pixels = this.pixels();
    const isShown = display.minimap && this.viewport.zoomed && width > 0 && video.width > 0;
    setAttribute(this.element, "hidden", !isShown);
    if (!isShown) return;
    const { image, transform } = this.viewport;
    const side = Math.max(60, Math.min(MAX_SIDE, SHARE * width));
    this.scale = fitScale(image, [side, side]);
    const size = image.map((length) => Math.max(1, Math.round(length * this.scale))) as Size;
    this.element.style.width = `${size[0]}px`;
    this.element.style.height = `${size[1]}px`;
    const context = cleared(this.element, ...size);
    if (!context) return;
    context.fillStyle = "#000000";
    context.fillRect(0, 0, ...size);
    if (pixels && !display.masksOnly) context.drawImage(pixels, 0, 0, ...size);
    const [x0, y0] = transform.toVideo(0, 0).map((at) => Math.max(0, at) * this.scale) as Size;
    const [right, bottom] = transform.toVideo(width, height);
    const [x1, y1] = [
      Math.min(image[0], right) * this.scale,
      Math.min(image[1], bottom) * this.scale,
    ];
    context.fillStyle = "rgba(8, 10, 14, 0.5)";
    context.beginPath();
    context.rect(0, 0, ...size);
    context.rect(x0, y0, x1 - x0, y1 - y0);
    context.fill("evenodd");
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5;
    context.strokeRect(
      x0 + 0.75,
      y0 + 0.75,
      Math.max(1, x1 - x0 - 1.5),
      Math.max(1, y1 - y0 - 1.5),
    );
  }

  private goTo({ clientX, clientY }: PointerEvent): void {
    const { left, top } = this.element.getBoundingClientRect();
    const [x, y] = [(clientX - left) / this.scale, (clientY - top) / this.scale];
    this.viewport.centerOn(x, y);
  }

  private key(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    const [width, height] = this.viewport.stage;
    if (arrow) this.viewport.panBy(-arrow[0] * STEP * width, -arrow[1] * STEP * height);
    else if (event.key === "Escape") {
      changeDisplay(this.store, { minimap: false });
      focusOn(this.viewport.canvas);
    } else return;
    take(event);
  }
}
