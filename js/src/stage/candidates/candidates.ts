/** The masks of an ambiguous click, side by side, to choose from. */

import type { Client } from "../../kernel/client";
import type { BoxPx } from "../../kernel/protocol";
import { boundsOf, type Candidates } from "../../state/stage-state";
import type { Store } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { NO_COLOR } from "../../ui/color";
import { h, setVar } from "../../ui/dom";
import { drawMask, PROVISIONAL } from "../draw/mask-layer";
import { fitScale, type Size, ViewTransform } from "../view-transform";
import type { Viewport } from "../viewport";
import { standApart } from "./placing";

/** Of a picture, in CSS pixels. */
const WIDTH = 84;
const HEIGHT = 64;
/** Around a mask, in shares of its size. */
const MARGIN = 0.2;
/** Between two pictures, and around all of them, as in the styles. */
const SPACING = 4;
const FRAME = 12;
export class CandidateStrip {
  readonly element: HTMLElement;
  /** The one that is pointed at, shown on the stage before it is chosen. */
  peeked: number | null = null;
  /** What it has chosen its place for. */
  private stood = "";
  private drawn: { candidates: Candidates; pixels: ImageBitmap | undefined } | null = null;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly viewport: Viewport,
    private readonly redraw: () => void,
  ) {
    this.element = h("div.candidates", {
      group: "Which mask is meant",
      pointerleave: () => this.peek(null),
    });
  }

  /** Those of the selected object on the frame that is shown. */
  get current(): Candidates | null {
    const { candidates, selected, tool } = this.store.state;
    if (tool === "everything") return null;
    const { frame = -1, object } = candidates ?? {};
    return frame === this.viewport.shownFrame() && object === selected ? candidates : null;
  }

  choose(index: number): void {
    const { current } = this;
    if (!current || index >= current.runs.length) return;
    const { frame, object } = current;
    this.peek(null);
    this.client.ask({ type: "choose", frame, object, index });
    this.store.set("candidates", { ...current, chosen: index });
  }

  dismiss(): void {
    this.peek(null);
    this.store.set("candidates", null);
  }

  update(): void {
    const { current } = this;
    setAttribute(this.element, "hidden", current === null);
    if (!current) {
      this.drawn = null;
      this.stood = "";
      return;
    }
    this.stand(current);
    const pixels = this.store.frames.get(current.frame);
    if (this.drawn?.candidates === current && this.drawn.pixels === pixels) return;
    const hadFocus = this.element.contains(document.activeElement);
    this.drawn = { candidates: current, pixels };
    this.element.replaceChildren(...current.runs.map((_, i) => this.button(current, i, pixels)));
    if (hadFocus) (this.element.children[current.chosen] as HTMLElement | undefined)?.focus();
  }

  /** Draw the one that is pointed at. */
  drawPeeked(context: CanvasRenderingContext2D, transform: ViewTransform): void {
    const runs = this.peeked === null ? undefined : this.current?.runs[this.peeked];
    if (!runs) return;
    drawMask(context, transform, this.viewport.image, runs, PROVISIONAL);
  }

  private button(
    candidates: Candidates,
    index: number,
    pixels: ImageBitmap | undefined,
  ): HTMLElement {
    const iou = (candidates.ious[index] ?? 0).toFixed(2);
    return h(
      "button.candidate",
      {
        label: `Mask ${index + 1}, predicted IoU ${iou}`,
        "aria-pressed": String(candidates.chosen === index),
        title: `Use this mask (${index + 1}); its predicted IoU is ${iou}`,
        click: () => this.choose(index),
        pointerenter: () => this.peek(index),
        focus: () => this.peek(index),
        blur: () => this.peek(null),
      },
      this.picture(candidates, index, pixels),
      h("kbd", { "aria-hidden": "true" }, String(index + 1)),
      h("span", { "aria-hidden": "true" }, iou),
    );
  }

  /** The part of the frame where a mask is, with that tinted. */
  private picture(
    { runs }: Candidates,
    index: number,
    pixels: ImageBitmap | undefined,
  ): HTMLCanvasElement {
    const ratio = Math.max(2, window.devicePixelRatio || 1);
    const canvas = h("canvas", { width: WIDTH * ratio, height: HEIGHT * ratio });
    const context = canvas.getContext("2d");
    const mask = runs[index];
    if (!context || !mask) return canvas;
    const { image } = this.viewport;
    const [left, top, right, bottom] = boundsOf(mask, image[0]) ?? [0, 0, ...image];
    const picture: Size = [WIDTH, HEIGHT];
    const fits = Math.min(WIDTH / (right - left), HEIGHT / (bottom - top)) / (1 + 2 * MARGIN);
    const factor = Math.max(1, fits / fitScale(image, picture));
    const [x, y] = [(left + right) / 2 / image[0], (top + bottom) / 2 / image[1]];
    const transform = ViewTransform.of(image, picture, { factor, x, y });
    const { scale } = transform;
    context.scale(ratio, ratio);
    const { offsetX, offsetY } = transform;
    if (pixels) context.drawImage(pixels, offsetX, offsetY, image[0] * scale, image[1] * scale);
    context.fillStyle = "rgba(10, 12, 15, 0.45)";
    context.fillRect(0, 0, WIDTH, HEIGHT);
    const color = this.store.selectedObject?.color ?? NO_COLOR;
    drawMask(context, transform, image, mask, { color, fill: 0.55, outline: 1 });
    return canvas;
  }

  private peek(index: number | null): void {
    if (this.peeked === index) return;
    this.peeked = index;
    this.redraw();
  }

  /** Move away from what is to be chosen, once for each choice: buttons stay under the hand. */
  private stand(candidates: Candidates): void {
    const { image, stage, transform } = this.viewport;
    const { frame, object, ious, runs, chosen } = candidates;
    const key = [frame, object, ...ious, ...stage, transform.scale, transform.offsetX].join();
    if (key === this.stood) return;
    this.stood = key;
    const mask = runs[chosen];
    const bounds = mask ? boundsOf(mask, image[0]) : null;
    const [left, top] = transform.toStage(bounds?.[0] ?? 0, bounds?.[1] ?? 0);
    const [right, bottom] = transform.toStage(bounds?.[2] ?? 0, bounds?.[3] ?? 0);
    const [screen, room] = [this.viewport.canvas.parentElement, this.element.parentElement];
    const [x, y] = [screen?.offsetLeft ?? 0, screen?.offsetTop ?? 0];
    const box: BoxPx = [left + x, top + y, right + x, bottom + y];
    const size: Size = [room?.clientWidth || stage[0], room?.clientHeight || stage[1]];
    const place = standApart(box, size, flatSize(runs.length), uprightSize(runs.length));
    this.element.classList.toggle("s2w-upright", place.isUpright);
    setVar(this.element, "left", `${Math.round(place.left)}px`);
    setVar(this.element, "top", `${Math.round(place.top)}px`);
  }
}

/** Width and height of the strip with its pictures side by side, in CSS pixels. */
function flatSize(count: number): Size {
  return [count * (WIDTH + SPACING) + FRAME, HEIGHT + FRAME];
}

function uprightSize(count: number): Size {
  return [WIDTH + FRAME, count * (HEIGHT + SPACING) + FRAME];
}
