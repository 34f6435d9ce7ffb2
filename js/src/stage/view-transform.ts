/** From pixels of the image to CSS pixels of the stage and back. */

import type { Zoom } from "../state/stage-state";

/** Width and height. */
export type Size = [number, number];

/** CSS pixels that a pixel of the image takes at most. */
const MAX_SCALE = 48;

export class ViewTransform {
  constructor(
    readonly scale: number,
    readonly offsetX = 0,
    readonly offsetY = 0,
  ) {}

  /** An image in a stage: never smaller than fits, and no emptier than it must be. */
  static of(image: Size, stage: Size, zoom: Zoom): ViewTransform {
    const scale = fitScale(image, stage) * zoom.factor;
    const offset = (center: number, axis: 0 | 1) => {
      const room = stage[axis] - image[axis] * scale;
      if (room >= 0) return room / 2;
      return Math.min(0, Math.max(room, stage[axis] / 2 - center * image[axis] * scale));
    };
    return new ViewTransform(scale, offset(zoom.x, 0), offset(zoom.y, 1));
  }

  toStage(x: number, y: number): [number, number] {
    return [x * this.scale + this.offsetX, y * this.scale + this.offsetY];
  }

  toVideo(x: number, y: number): [number, number] {
    return [(x - this.offsetX) / this.scale, (y - this.offsetY) / this.scale];
  }

  /** The same in a context, so that its units are pixels of the image. */
  apply(context: CanvasRenderingContext2D): void {
    context.translate(this.offsetX, this.offsetY);
    context.scale(this.scale, this.scale);
  }
}

/** CSS pixels of a pixel of the image when all of it is on the stage. */
export function fitScale(image: Size, stage: Size): number {
  return Math.min(stage[0] / Math.max(image[0], 1), stage[1] / Math.max(image[1], 1));
}

/** The zoom that is `by` times the present one and keeps the image still at a place (x, y). */
export function zoomAt(
  image: Size,
  stage: Size,
  zoom: Zoom,
  [x, y]: [number, number],
  by: number,
): Zoom {
  const fit = fitScale(image, stage);
  const factor = Math.max(1, Math.min(Math.max(1, MAX_SCALE / fit), zoom.factor * by));
  const [imageX, imageY] = ViewTransform.of(image, stage, zoom).toVideo(x, y);
  const center = (axis: 0 | 1, fixed: number, place: number) =>
    (fixed + (stage[axis] / 2 - place) / (fit * factor)) / image[axis];
  return { factor, x: center(0, imageX, x), y: center(1, imageY, y) };
}
