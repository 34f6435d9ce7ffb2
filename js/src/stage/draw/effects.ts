/** Effects of films on the stage, as sam2widget/export/effects/rendering.py writes them. */

import type { ObjectInfo } from "../../kernel/traits";
import { type Effect, hasStrength } from "../../state/results-state";
import type { MaskRecord, Store } from "../../state/store";
import type { Size, ViewTransform } from "../view-transform";
import { blurColors } from "./box-blur";
import { maskPath } from "./mask-path";

/** These four are of rendering.py. */
const FEATHER_PX = 1;
const MAX_BLUR_SHARE = 0.05;
const MAX_OUTLINE_SHARE = 0.02;
const SMALL_SIGMA_PX = 2;
/** A picture that is blurred is no wider: the screen shows no more of it. */
const MAX_SMALL_WIDTH = 640;
/** Of the squares that stand for nothing, in CSS pixels. */
const CHECKER_SIZE = 8;
const CHECKER_COLORS = ["#ffffff", "#cfd3d8"] as const;

export interface EffectScene {
  transform: ViewTransform;
  /** Of the image, in its pixels. */
  image: Size;
  pixels: ImageBitmap;
  masks: Map<number, MaskRecord>;
  objects: ObjectInfo[];
  effect: Effect;
}

/** The objects that an effect is about. */
export function objectsOf(store: Store): ObjectInfo[] {
  const { effect, selected } = store.state;
  if (!effect.selectedOnly) return store.shownObjects;
  return store.state.objects.filter(({ id }) => id === selected);
}

/**
 * Draw the frame with an effect in place of masks, in CSS pixels, above the plain frame. What is
 * transparent is drawn as squares, or with `transparent` not at all.
 */
export function drawEffect(
  context: CanvasRenderingContext2D,
  scene: EffectScene,
  transparent = false,
): void {
  const { transform, image, effect } = scene;
  const shapes = shapesOf(scene);
  const subject = cutOut(context, scene, shapes);
  const [width, height] = image;
  context.save();
  context.save();
  transform.apply(context);
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  const strength = hasStrength(effect.name) ? effect.strengths[effect.name] : 0;
  switch (effect.name) {
    case "cutout":
      if (transparent) break;
      context.fillStyle = checkers(context, 1 / transform.scale);
      context.fillRect(0, 0, width, height);
      break;
    case "blur":
      drawBlurred(context, scene, shapes, strength * MAX_BLUR_SHARE * height);
      break;
    case "spotlight":
      context.fillStyle = `rgb(0 0 0 / ${strength})`;
      context.fillRect(0, 0, width, height);
      break;
    case "outline":
      context.lineJoin = "round";
      context.lineWidth = 2 * Math.max(strength * MAX_OUTLINE_SHARE * height, 1);
      for (const { path, color } of shapes) {
        context.strokeStyle = color;
        context.stroke(path);
      }
      break;
    case "background":
      context.fillStyle = effect.color;
      context.fillRect(0, 0, width, height);
      if (effect.picture) drawCovering(context, effect.picture, image);
      break;
  }
  context.restore();
  if (subject) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(subject, 0, 0);
  }
  context.restore();
}

interface Shape {
  path: Path2D;
  color: string;
}

function shapesOf({ transform, image, masks, objects }: EffectScene): Shape[] {
  return objects.flatMap(({ id, color }) => {
    const mask = masks.get(id);
    if (!mask || mask.area === 0 || mask.state === "rejected") return [];
    return [{ path: maskPath(mask.runs, image, transform.scale), color }];
  });
}

const matteCanvas = document.createElement("canvas");
const subjectCanvas = document.createElement("canvas");
const smallCanvas = document.createElement("canvas");

/** The frame inside the shapes alone, as large as the context's canvas. */
function cutOut(
  context: CanvasRenderingContext2D,
  { transform, image, pixels }: EffectScene,
  shapes: Shape[],
): HTMLCanvasElement | null {
  const { width, height } = context.canvas;
  const matte = emptied(matteCanvas, width, height);
  const subject = emptied(subjectCanvas, width, height);
  if (!matte || !subject) return null;
  const current = context.getTransform();
  matte.setTransform(current);
  transform.apply(matte);
  const feather = FEATHER_PX * transform.scale * current.a;
  // Where a pixel of the screen is larger, its own edge is as soft. Safari has no filter.
  matte.filter = feather > 1.5 ? `blur(${feather}px)` : "none";
  for (const { path } of shapes) matte.fill(path, "evenodd");
  matte.filter = "none";
  subject.setTransform(current);
  transform.apply(subject);
  subject.imageSmoothingEnabled = context.imageSmoothingEnabled;
  subject.imageSmoothingQuality = context.imageSmoothingQuality;
  subject.drawImage(pixels, 0, 0, image[0], image[1]);
  subject.setTransform(1, 0, 0, 1, 0, 0);
  subject.globalCompositeOperation = "destination-in";
  subject.drawImage(matteCanvas, 0, 0);
  subject.globalCompositeOperation = "source-over";
  return subjectCanvas;
}

/** Draw the frame blurred, without the shapes' colours, in pixels of the image. */
function drawBlurred(
  context: CanvasRenderingContext2D,
  { image: [width, height], pixels }: EffectScene,
  shapes: Shape[],
  sigma: number,
): void {
  const step = Math.max(Math.floor(sigma / SMALL_SIGMA_PX), width / MAX_SMALL_WIDTH, 1);
  const [w, h] = [Math.ceil(width / step), Math.ceil(height / step)];
  const small = emptied(smallCanvas, w, h);
  if (!small) return;
  small.scale(1 / step, 1 / step);
  small.imageSmoothingQuality = "high";
  small.drawImage(pixels, 0, 0, width, height);
  small.globalCompositeOperation = "destination-out";
  for (const { path } of shapes) small.fill(path, "evenodd");
  small.globalCompositeOperation = "source-over";
  small.setTransform(1, 0, 0, 1, 0, 0);
  const data = small.getImageData(0, 0, w, h);
  blurColors(data.data, w, h, sigma / step);
  small.putImageData(data, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(smallCanvas, 0, 0, width / step, height / step, 0, 0, width, height);
}

/** Draw a picture so that it covers the image, cut where it is larger. */
export function drawCovering(
  context: CanvasRenderingContext2D,
  picture: ImageBitmap,
  [width, height]: Size,
): void {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [width / scale, height / scale];
  const [x, y] = [(picture.width - w) / 2, (picture.height - h) / 2];
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, x, y, w, h, 0, 0, width, height);
}

function emptied(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d", { willReadFrequently: canvas === smallCanvas });
}

/** Squares that are as large at any zoom. */
function checkers(context: CanvasRenderingContext2D, cssPixel: number): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 2 * CHECKER_SIZE;
  const pen = tile.getContext("2d");
  if (!pen) return CHECKER_COLORS[0];
  pen.fillStyle = CHECKER_COLORS[0];
  pen.fillRect(0, 0, tile.width, tile.height);
  pen.fillStyle = CHECKER_COLORS[1];
  for (const at of [0, CHECKER_SIZE]) pen.fillRect(at, at, CHECKER_SIZE, CHECKER_SIZE);
  const pattern = context.createPattern(tile, "repeat");
  pattern?.setTransform({ a: cssPixel, d: cssPixel });
  return pattern ?? CHECKER_COLORS[0];
}
