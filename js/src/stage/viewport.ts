/** What part of the image is on the stage. */

import type { BoxPx } from "../kernel/protocol";
import { FIT, sizeOf } from "../state/stage-state";
import type { Store } from "../state/store";
import { fitScale, type Size, ViewTransform, zoomAt } from "./view-transform";

/** A place on the stage in CSS pixels. */
export interface Place {
  x: number;
  y: number;
}

export class Viewport {
  private size: Size = [0, 0];

  constructor(
    private readonly store: Store,
    readonly canvas: HTMLCanvasElement,
    /** The frame that is on the stage: what a person sees is what they mean. */
    readonly shownFrame: () => number,
  ) {}

  /** Of the image, in its pixels. */
  get image(): Size {
    return sizeOf(this.store.state.video, this.shownFrame());
  }

  /** Of the stage, in CSS pixels. It is measured once: in the middle of changes the browser would
   * lay the page out for it. */
  get stage(): Size {
    if (this.size[0] === 0) {
      const { width, height } = this.canvas.getBoundingClientRect();
      this.size = [width, height];
    }
    return this.size;
  }

  /** The stage has another size. */
  resized(): void {
    this.size = [0, 0];
  }

  get transform(): ViewTransform {
    return ViewTransform.of(this.image, this.stage, this.store.state.zoom);
  }

  get zoomed(): boolean {
    return this.store.state.zoom.factor > 1;
  }

  /** Zoom, by default about the middle of the stage. */
  zoomBy(by: number, at?: Place): void {
    const [width, height] = this.stage;
    if (width === 0) return;
    const place: [number, number] = at ? [at.x, at.y] : [width / 2, height / 2];
    const zoom = zoomAt(this.image, this.stage, this.store.state.zoom, place, by);
    this.store.set("zoom", zoom.factor === 1 ? FIT : zoom);
  }

  /** Move the image with the pointer. */
  panBy(dx: number, dy: number): void {
    const { image, stage, transform } = this;
    const [x, y] = transform.toVideo(stage[0] / 2 - dx, stage[1] / 2 - dy);
    this.keep(x / image[0], y / image[1]);
  }

  /** Show a place of the image, in its pixels, in the middle. */
  centerOn(x: number, y: number): void {
    this.keep(x / this.image[0], y / this.image[1]);
  }

  /** Bring a place of the image, in its pixels, into sight. */
  reveal(x: number, y: number): void {
    const { stage, transform } = this;
    const place = transform.toStage(x, y);
    const beyond = (axis: 0 | 1) =>
      Math.min(0, (place[axis] as number) - MARGIN) +
      Math.max(0, (place[axis] as number) + MARGIN - stage[axis]);
    if (this.zoomed && (beyond(0) || beyond(1))) this.panBy(-beyond(0), -beyond(1));
  }

  fit(): void {
    this.store.set("zoom", FIT);
  }

  /** One pixel of the image to a CSS pixel; where the stage is larger than that, all of it. */
  actual(): void {
    this.zoomBy(1 / this.transform.scale);
  }

  toImage({ x, y }: Place): [number, number] {
    const [width, height] = this.image;
    const [imageX, imageY] = this.transform.toVideo(x, y);
    return [Math.max(0, Math.min(width, imageX)), Math.max(0, Math.min(height, imageY))];
  }

  /** Whether a place of the stage lies on the image. */
  holds({ x, y }: Place): boolean {
    const [width, height] = this.image;
    const [imageX, imageY] = this.transform.toVideo(x, y);
    return imageX >= 0 && imageY >= 0 && imageX < width && imageY < height;
  }

  /** What is on the stage, x0, y0, x1, y1 in whole pixels of the image. */
  get seen(): BoxPx {
    const { image, stage, transform } = this;
    const [left, top] = transform.toVideo(0, 0);
    const [right, bottom] = transform.toVideo(...stage);
    return [
      Math.max(0, Math.floor(left)),
      Math.max(0, Math.floor(top)),
      Math.min(image[0], Math.ceil(right)),
      Math.min(image[1], Math.ceil(bottom)),
    ];
  }

  /** Hold the middle within what the stage can show, so that panning back answers at once. */
  private keep(x: number, y: number): void {
    const { image, stage } = this;
    const { factor } = this.store.state.zoom;
    const scale = fitScale(image, stage) * factor;
    const within = (value: number, axis: 0 | 1) => {
      const half = Math.min(0.5, stage[axis] / (2 * image[axis] * scale));
      return Math.max(half, Math.min(1 - half, value));
    };
    this.store.set("zoom", { factor, x: within(x, 0), y: within(y, 1) });
  }
}

/** How far inside the stage's edge a revealed place comes, in CSS pixels. */
const MARGIN = 40;
