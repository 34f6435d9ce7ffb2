/** Paint before the kernel has it: as the mask will look, painted here. */

import type { Stroke } from "../../state/stage-state";
import type { MaskRecord, Store } from "../../state/store";
import { NO_COLOR } from "../../ui/color";
import type { Size, ViewTransform } from "../view-transform";
import { drawMasks } from "./mask-layer";
import { addLine, addPolygon } from "./mask-path";

/** What lies beneath the paint. */
export interface StrokeScene {
  store: Store;
  image: Size;
  masks: Map<number, MaskRecord> | undefined;
  /** A canvas of the same size to paint a stroke on by itself. */
  scratch(): CanvasRenderingContext2D | null;
  /** Draw what is under all masks. */
  ground(context: CanvasRenderingContext2D): void;
}

/**
 * Draw a stroke over all that is there. Where it goes the selected object's mask is taken away, down to
 * the frame and the other masks; a brush then tints that, so that paint on paint is no darker.
 */
export function drawStroke(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  stroke: Stroke,
  scene: StrokeScene,
): void {
  const scratch = scene.scratch();
  if (!scratch) return;
  paint(scratch, transform, stroke, scene);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(scratch.canvas, 0, 0);
  context.restore();
}

/** Paint a stroke on an empty canvas. */
function paint(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  stroke: Stroke,
  { store, image, masks, ground }: StrokeScene,
): void {
  const { selected, display } = store.state;
  const { width, height } = context.canvas;
  const color = store.selectedObject?.color ?? NO_COLOR;
  const shape = strokePath(stroke);
  const polygon = stroke.shape === "polygon";
  context.save();
  transform.apply(context);
  context.lineJoin = context.lineCap = "round";
  context.lineWidth = 2 * stroke.radius;
  if (polygon) context.fill(shape, "nonzero");
  else context.stroke(shape);
  context.restore();
  context.save();
  context.globalCompositeOperation = "source-atop";
  ground(context);
  if (masks) drawMasks(context, transform, image, store, masks, selected);
  if (!stroke.erase) {
    context.globalAlpha = display.masksOnly ? 1 : display.fill ? display.opacity : 0.25;
    context.fillStyle = color;
    context.fillRect(0, 0, width, height);
  }
  context.restore();
  if (!polygon) return;
  context.save();
  transform.apply(context);
  context.lineWidth = 2 / transform.scale;
  context.strokeStyle = stroke.erase ? "#ffffff" : color;
  context.stroke(shape);
  context.restore();
}

function strokePath({ shape, path }: Stroke): Path2D {
  const line = new Path2D();
  if (shape === "polygon") addPolygon(line, path);
  // A line of no length has no caps in some browsers: a dab is a very short one.
  else addLine(line, path.length > 2 ? path : [...path, (path[0] ?? 0) + 0.01, path[1] ?? 0]);
  return line;
}
