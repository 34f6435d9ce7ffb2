/** What the drawings along the time axis share. */

import { cleared } from "../../ui/canvas";

/** Colours of the theme, as a canvas needs them: the element's computed styles. */
export interface Ink {
  text: string;
  /** Of what deserves a look. */
  warning: string;
}

/** Colours that the style sheet gives an element for drawing: `color` and `caret-color`. */
export function inkOf(element: Element): Ink {
  const { color, caretColor } = getComputedStyle(element);
  return { text: color || "#808080", warning: caretColor || "#b25e00" };
}

/** An empty context in CSS pixels, as large as the canvas is on the page; null where it is not. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || height === 0) return null;
  return cleared(canvas, width, height);
}

/** Which share of an element's width the pointer is at, from 0 to less than 1. */
export function shareAt(element: Element, { clientX }: { clientX: number }): number {
  const { left, width } = element.getBoundingClientRect();
  return Math.max(0, Math.min(1 - Number.EPSILON, (clientX - left) / Math.max(width, 1)));
}

/** A small triangle that points down at (x, y): worth a look. */
export function drawWarning(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x - 4, y - 6);
  context.lineTo(x + 4, y - 6);
  context.lineTo(x, y);
  context.fill();
}
