/** The masks of one frame, tinted and outlined at the video's resolution. */

import { runsToPixels } from "../codecs";
import type { ObjectInfo } from "../protocol";
import type { MaskRecord } from "../store";

const FILL_ALPHA = 110;
const OUTLINE_ALPHA = 255;

/** Paint into RGBA pixels; objects later in the list lie on top. */
export function paintMasks(
  rgba: Uint32Array,
  width: number,
  height: number,
  layers: { runs: Uint32Array; color: string }[],
): void {
  rgba.fill(0);
  for (const { runs, color } of layers) {
    const inside = runsToPixels(runs, width * height);
    const fill = packColor(color, FILL_ALPHA);
    const outline = packColor(color, OUTLINE_ALPHA);
    let at = 0;
    runs.forEach((length, i) => {
      const end = at + length;
      if (i % 2 === 1) {
        for (let p = at; p < end; p++) {
          const x = p % width;
          const edge =
            x === 0 ||
            x === width - 1 ||
            !inside[p - 1] ||
            !inside[p + 1] ||
            !inside[p - width] ||
            !inside[p + width];
          rgba[p] = edge ? outline : fill;
        }
      }
      at = end;
    });
  }
}

/** "#rrggbb" and an alpha as one little-endian RGBA word, as canvases store it. */
function packColor(color: string, alpha: number): number {
  const rgb = Number.parseInt(color.slice(1), 16);
  return ((alpha << 24) | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

export class MaskLayer {
  private readonly canvas = document.createElement("canvas");

  /** Repaint for the masks of a frame. */
  update(
    width: number,
    height: number,
    objects: ObjectInfo[],
    masks: Map<number, MaskRecord> | undefined,
  ): void {
    this.canvas.width = width;
    this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    const layers = objects.flatMap((object) => {
      const mask = object.visible ? masks?.get(object.id) : undefined;
      return mask ? [{ runs: mask.runs, color: object.color }] : [];
    });
    if (!context || layers.length === 0) return;
    const image = context.createImageData(width, height);
    paintMasks(new Uint32Array(image.data.buffer), width, height, layers);
    context.putImageData(image, 0, 0);
  }

  get picture(): CanvasImageSource {
    return this.canvas;
  }
}
