/** Canvases whose units are CSS pixels, with one pixel of theirs for each of the screen. */

/** The context of an emptied canvas of a size in CSS pixels; null where it can have none. */
export function cleared(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  context?.setTransform(w / width, 0, 0, h / height, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** A path of a check mark around a place. */
export function addTick(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.moveTo(x - 4, y);
  context.lineTo(x - 1, y + 3);
  context.lineTo(x + 4, y - 3);
}

/** A path of an x around a place. */
export function addCross(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.moveTo(x - 3, y - 3);
  context.lineTo(x + 3, y + 3);
  context.moveTo(x + 3, y - 3);
  context.lineTo(x - 3, y + 3);
}
