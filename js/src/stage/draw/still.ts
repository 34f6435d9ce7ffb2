/** The current frame and its masks as pictures of their own, in pixels of the image. */

import { runsToPixels } from "../../kernel/codecs";
import { sizeOf } from "../../state/stage-state";
import type { Store } from "../../state/store";
import { ViewTransform } from "../view-transform";
import { drawEffect, objectsOf } from "./effects";
import { drawMasks } from "./mask-layer";

/** Masks are drawn for a picture of this height as on a stage. */
const USUAL_HEIGHT = 480;

/** The frame as it is, or as the stage shows it: with its masks, or with the effect. */
export function frameAsPng(store: Store, withMasks: boolean): Promise<Blob> {
  const { frame, video, effect } = store.state;
  const pixels = store.frames.get(frame);
  if (!pixels) throw new Error("The frame is not here yet: wait until it is shown.");
  const image = sizeOf(video, frame);
  const [canvas, context] = newCanvas(...image);
  const masks = store.masks.get(frame);
  const isCutOut = withMasks && effect.name === "cutout";
  if (!isCutOut) context.drawImage(pixels, 0, 0, ...image);
  if (withMasks && effect.name !== "overlay") {
    const transform = new ViewTransform(1);
    const shown = { transform, image, pixels, masks: masks ?? new Map() };
    drawEffect(context, { ...shown, objects: objectsOf(store), effect }, isCutOut);
  } else if (withMasks && masks) {
    // Outlines have a width in CSS pixels: of a large picture they would be hairlines.
    const scale = Math.max(1, image[1] / USUAL_HEIGHT);
    context.scale(scale, scale);
    drawMasks(context, new ViewTransform(1 / scale), image, store, masks);
  }
  return asPng(canvas);
}

/** The selected object's mask, white on black. */
export function maskAsPng(store: Store): Promise<Blob> {
  const { frame, selected, video } = store.state;
  const mask = store.masks.get(frame)?.get(selected);
  if (!mask) throw new Error("The selected object has no mask on this frame.");
  const [width, height] = sizeOf(video, frame);
  const [canvas, context] = newCanvas(width, height);
  const picture = context.createImageData(width, height);
  const inside = runsToPixels(mask.runs, width * height);
  for (let i = 0; i < inside.length; i++) {
    picture.data.fill(inside[i] ? 255 : 0, 4 * i, 4 * i + 3);
    picture.data[4 * i + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
  return asPng(canvas);
}

/** A picture as a JPEG in base64, no larger than the kernel takes, in the size of the video. */
export async function asBackground(
  picture: ImageBitmap,
  width: number,
  height: number,
): Promise<string> {
  let scale = Math.min(1, Math.max(width / picture.width, height / picture.height));
  for (let quality = 0.92; ; quality -= 0.12) {
    const [canvas, context] = newCanvas(
      Math.round(picture.width * scale),
      Math.round(picture.height * scale),
    );
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const url = canvas.toDataURL("image/jpeg", quality);
    const jpeg = url.slice(url.indexOf(",") + 1);
    if (jpeg.length <= MAX_JPEG) return jpeg;
    if (quality < 0.7) scale *= 0.7;
  }
}

/** Characters, as sam2widget/bridge/protocol has it. */
const MAX_JPEG = 900_000;

/** Of a canvas, in all browsers. */
const MAX_PIXELS = 2 ** 28;

function newCanvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  if (width * height > MAX_PIXELS) throw new Error("The picture is too large for this browser.");
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw.");
  return [canvas, context];
}

function asPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) =>
      blob ? resolve(blob) : reject(new Error("The picture is too large for this browser.")),
    ),
  );
}
