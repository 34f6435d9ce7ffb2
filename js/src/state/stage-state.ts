/** What the stage shows and how: the part of a view's state that the stage has for itself. */

import type { LevelsMessage, ProposalEntry, Run, Shape } from "../kernel/protocol";
import type { Video } from "../kernel/traits";
import { type ResultsState, resultsState } from "./results-state";

export type Tool = "positive" | "negative" | "box" | "brush" | "eraser" | "polygon" | "everything";

/** How far the stage is zoomed in, and where to. */
export interface Zoom {
  /** Times as large as when the whole image is on the stage. */
  factor: number;
  /** What is in the middle of the stage, in shares of the image's width and height. */
  x: number;
  y: number;
}

export interface Display {
  /** Of the fill, 0..1. */
  opacity: number;
  fill: boolean;
  outline: boolean;
  /** Black in place of the frame. */
  masksOnly: boolean;
  /** Share of the stage's width that shows no masks, for a comparison; null shows them all over. */
  wipe: number | null;
  /** Show the mask under the pointer before a click; null is as the device is quick enough. */
  hover: boolean | null;
  /** Ids and names on the masks, from two objects on. */
  labels: boolean;
  /** All of the frame in a corner, when zoomed. */
  minimap: boolean;
  /** A bar that says how long something is; null is where the size of a pixel is known. */
  scaleBar: boolean | null;
}

/** Paint on its way to the kernel; path in pixels of the image. */
export interface Stroke {
  shape: Shape;
  erase: boolean;
  radius: number;
  path: number[];
}

/** The mask that a click at (x, y) would give. */
export interface Preview {
  frame: number;
  object: number | null;
  x: number;
  y: number;
  iou: number;
  runs: Uint32Array;
  /** It was decoded in the page. */
  local?: boolean;
}

export interface Candidates {
  frame: number;
  object: number;
  chosen: number;
  /** Predicted IoU, 0..1. */
  ious: number[];
  runs: Uint32Array[];
}

export interface Proposal extends ProposalEntry {
  runs: Uint32Array;
}

/** How a frame's values are spread, and shown. */
export interface Levels extends LevelsMessage {
  /** Of each channel, a byte a bin. */
  bins: Uint8Array[];
}

export interface StageState extends ResultsState {
  tool: Tool;
  /** Radius in pixels of the image. */
  brush: number;
  zoom: Zoom;
  display: Display;
  /** The object that the pointer is on: its mask, its row or its lane. */
  hoveredObject: number | null;
  levels: Levels | null;
  preview: Preview | null;
  candidates: Candidates | null;
  /** Classes whose objects this view does not show; "" is objects without a class. */
  hiddenClasses: ReadonlySet<string>;
  /** Of the frames that were asked about. */
  proposals: ReadonlyMap<number, Proposal[]>;
  /** Proposals of the shown frame that are marked, by id. */
  marked: ReadonlySet<number>;
  /** The frame whose proposals are on their way. */
  proposing: number | null;
}

export const FIT: Zoom = { factor: 1, x: 0.5, y: 0.5 };

export const DEFAULT_DISPLAY: Display = {
  ...{ opacity: 0.4, fill: true, outline: true },
  ...{ masksOnly: false, wipe: null, hover: null },
  ...{ labels: true, minimap: true, scaleBar: null },
};

export function stageState(): StageState {
  return {
    ...resultsState(),
    tool: "positive",
    brush: 12,
    zoom: FIT,
    display: DEFAULT_DISPLAY,
    hoveredObject: null,
    levels: null,
    preview: null,
    candidates: null,
    hiddenClasses: new Set(),
    proposals: new Map(),
    marked: new Set(),
    proposing: null,
  };
}

/** Width and height of a frame's image in pixels. */
export function sizeOf(video: Video, frame: number): [number, number] {
  return video.sizes?.[frame] ?? [video.width, video.height];
}

/** First and last row and column of a mask, half-open: x0, y0, x1, y1; null when it is empty. */
export function boundsOf(runs: Uint32Array, width: number): [...Run, ...Run] | null {
  let [x0, y0, x1, y1] = [width, Number.POSITIVE_INFINITY, 0, 0];
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const begin = at;
    at += runs[i] as number;
    if (i % 2 === 0 || at === begin) continue;
    const [top, bottom] = [Math.floor(begin / width), Math.floor((at - 1) / width)];
    y0 = Math.min(y0, top);
    y1 = bottom + 1;
    x0 = top < bottom ? 0 : Math.min(x0, begin % width);
    x1 = top < bottom ? width : Math.max(x1, ((at - 1) % width) + 1);
  }
  return y1 === 0 ? null : [x0, y0, x1, y1];
}

/** Whether a mask has the pixel at a place, in pixels of the image. */
export function covers(runs: Uint32Array, width: number, x: number, y: number): boolean {
  if (x < 0 || x >= width || y < 0) return false;
  const pixel = Math.floor(y) * width + Math.floor(x);
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    at += runs[i] as number;
    if (pixel < at) return i % 2 === 1;
  }
  return false;
}
