/** The canvas: frame, masks, prompts, one on the other. */

import type { Client } from "../client";
import { h } from "../dom";
import type { Store } from "../store";
import { Crosshair } from "./crosshair";
import { FrameLayer } from "./frame-layer";
import { MaskLayer } from "./mask-layer";
import { PointerInput } from "./pointer";
import { drawPrompts } from "./prompt-layer";
import { Prompter } from "./prompter";
import { ViewTransform } from "./view-transform";

export class Stage {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly frameLayer: FrameLayer;
  private readonly maskLayer = new MaskLayer();
  private readonly prompter: Prompter;
  private readonly pointer: PointerInput;
  private readonly crosshair: Crosshair;
  private readonly observer: ResizeObserver;
  private scheduled = 0;
  private masksDrawn = 0;

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
        "Stage. Click to mark an object, right-click to mark what is not part of it, drag to " +
        "draw a box. With keys: Alt and arrows move a crosshair, Enter marks, Shift Enter marks " +
        "what is not part of it, arrows change the frame.",
    });
    this.element = h("div", { class: "s2w-stage" }, this.canvas);
    this.frameLayer = new FrameLayer(store);
    this.prompter = new Prompter(
      store,
      client,
      () => this.transform,
      () => this.frameLayer.shown ?? store.state.frame,
    );
    const redraw = () => this.schedule();
    this.pointer = new PointerInput(this.canvas, this.prompter, redraw);
    this.crosshair = new Crosshair(store, this.prompter, redraw);
    this.observer = new ResizeObserver(redraw);
    this.observer.observe(this.canvas);
    root.dataset.masksDrawn = "0";
    root.dataset.promptsDrawn = "0";
  }

  close(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
  }

  cancelGesture(): void {
    this.pointer.cancel();
    this.crosshair.hide();
  }

  /** Keys of the crosshair; true when it was one. */
  handleKey(event: KeyboardEvent): boolean {
    return event.target === this.canvas && this.crosshair.handleKey(event);
  }

  update(): void {
    const { width, height } = this.store.state.video;
    if (height > 0) this.element.style.setProperty("--s2w-aspect", String(width / height));
    this.schedule();
  }

  private get transform(): ViewTransform {
    return ViewTransform.fit(
      this.store.state.video.width,
      this.canvas.getBoundingClientRect().width,
    );
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.draw();
    });
  }

  private draw(): void {
    const { video, selected, solo } = this.store.state;
    const objects = this.store.state.objects.filter(({ id }) => solo === null || id === solo);
    const { width, height } = this.canvas.getBoundingClientRect();
    const context = this.canvas.getContext("2d");
    if (!context || width === 0 || video.width === 0) return;
    this.clear(context, width, height);
    const { transform } = this;
    const hasPixels = this.frameLayer.draw(context, transform);
    const frame = this.frameLayer.shown ?? this.store.state.frame;
    const masks = this.store.masks.get(frame);
    if (masks) this.maskLayer.draw(context, transform, video, objects, selected, masks);
    const prompts = drawPrompts(context, this.store, transform, frame, this.pointer.hovered);
    this.pointer.draw(context);
    this.crosshair.draw(context, transform);

    this.client.drawn();
    const data = this.root.dataset;
    if (this.store.unpainted.delete(frame)) data.masksDrawn = String(++this.masksDrawn);
    data.promptsDrawn = String(prompts);
    if (hasPixels) data.frameDrawn = String(frame);
  }

  /** Empty, with one device pixel of the canvas for each of the screen; units are CSS pixels. */
  private clear(context: CanvasRenderingContext2D, width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w) this.canvas.width = w;
    if (this.canvas.height !== h) this.canvas.height = h;
    context.setTransform(w / width, 0, 0, h / height, 0, 0);
    context.clearRect(0, 0, width, height);
  }
}
