/** The canvas: frame, masks, prompts, one on the other. */

import type { Client } from "../client";
import { h } from "../dom";
import type { Store, Topic } from "../store";
import { MaskLayer } from "./mask-layer";
import { PointerInput } from "./pointer";
import { drawBox, drawPrompts } from "./prompt-layer";
import { Transform } from "./transform";

/** The stage is never taller than this share of the window. */
const MAX_HEIGHT_SHARE = 0.7;

export class Stage {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly masks = new MaskLayer();
  private readonly pointer: PointerInput;
  private readonly observer: ResizeObserver;
  private masksStale = true;
  private scheduled = 0;
  private masksDrawn = 0;
  private promptsDrawn = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.canvas = h("canvas", {
      "data-role": "stage",
      role: "application",
      tabindex: "0",
      "aria-label":
        "Video frame. Click to mark an object, right-click to mark what is not part of it, " +
        "drag to draw a box, arrow keys to change frame.",
    });
    this.element = h("div", { class: "s2w-stage" }, this.canvas);
    this.pointer = new PointerInput(
      this.canvas,
      store,
      client,
      () => this.transform,
      () => this.schedule(),
    );
    this.observer = new ResizeObserver(() => this.schedule());
    this.observer.observe(this.element);
  }

  close(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
  }

  cancelGesture(): void {
    this.pointer.cancel();
  }

  update(topics: Set<Topic>): void {
    if (["masks", "frame", "objects", "video"].some((topic) => topics.has(topic as Topic)))
      this.masksStale = true;
    this.schedule();
  }

  private get transform(): Transform {
    return Transform.fit(this.store.state.video.width, this.canvas.clientWidth);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.draw();
    });
  }

  private fitCanvas(): void {
    const { width, height } = this.store.state.video;
    const widest = (window.innerHeight * MAX_HEIGHT_SHARE * width) / Math.max(height, 1);
    const cssWidth = Math.max(1, Math.floor(Math.min(this.element.clientWidth, widest)));
    const cssHeight = Math.max(1, Math.round((cssWidth * height) / Math.max(width, 1)));
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.width = `${cssWidth}px`;
    this.canvas.style.height = `${cssHeight}px`;
    const [w, h] = [Math.round(cssWidth * ratio), Math.round(cssHeight * ratio)];
    if (this.canvas.width !== w) this.canvas.width = w;
    if (this.canvas.height !== h) this.canvas.height = h;
  }

  private draw(): void {
    const { video, frame, objects } = this.store.state;
    if (video.width === 0 || this.element.clientWidth === 0) return;
    this.fitCanvas();
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const pixels = this.store.frames.get(frame);
    if (pixels) context.drawImage(pixels, 0, 0, this.canvas.width, this.canvas.height);
    if (this.masksStale) {
      this.masks.update(video.width, video.height, objects, this.store.masks.get(frame));
      this.masksStale = false;
    }
    context.drawImage(this.masks.picture, 0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const prompts = drawPrompts(context, this.store, this.transform);
    if (this.pointer.box) drawBox(context, this.transform, this.pointer.box, "#ffffff");

    this.masksDrawn += this.client.drawn(frame);
    this.promptsDrawn = prompts;
    const data = this.root.dataset;
    data.masksDrawn = String(this.masksDrawn);
    data.promptsDrawn = String(this.promptsDrawn);
    if (pixels) data.frameDrawn = String(frame);
  }
}
