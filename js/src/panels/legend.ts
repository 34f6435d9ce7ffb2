/** The signs on the picture and in the lanes, and what they mean: drawn as they are there. */

import type { Point, TimelineMessage } from "../kernel/protocol";
import type { ObjectInfo } from "../kernel/traits";
import { DOTS, drawMask, type MaskStyle, styleOf } from "../stage/draw/mask-layer";
import { drawPoint } from "../stage/draw/prompt-layer";
import { type Size, ViewTransform } from "../stage/view-transform";
import { DEFAULT_DISPLAY } from "../state/stage-state";
import { h } from "../ui/dom";
import { contextOf, inkOf } from "./time/canvas";
import { Lane, type LaneContent } from "./time/lane";

const OBJECT: ObjectInfo = {
  ...{ id: 1, name: "", color: "#56b4e9", visible: true, locked: false },
  ...{ class_name: "", attributes: {} },
};
/** Frames of a lane. */
const FRAMES = 9;
const ALL: [number, number][] = [[0, FRAMES]];
const SURE = [...new Uint8Array(FRAMES).fill(230)];

interface Sign {
  text: string;
  /** On the picture: a mask, or points. */
  mask?: MaskStyle;
  points?: Point[];
  lane?: Partial<TimelineMessage>;
  confidence?: number[];
  place?: number;
}

const mask = (state: "fresh" | "stale" | "accepted" | "rejected") =>
  styleOf(OBJECT, state, DEFAULT_DISPLAY);

const SIGNS: Sign[] = [
  {
    ...{ text: "Tracked; in its lane, the paler the less certain", mask: mask("fresh") },
    ...{ lane: { tracked: ALL }, confidence: SURE.map((byte, i) => byte - 26 * i) },
  },
  {
    text: "Prompted by you: part of the object, or not",
    points: [
      [12, 11, 1],
      [36, 11, 0],
    ],
    ...{ lane: { prompted: [4], tracked: ALL }, confidence: SURE },
  },
  { text: "Accepted", mask: mask("accepted"), lane: { accepted: ALL } },
  { text: "Rejected", mask: mask("rejected"), lane: { rejected: ALL } },
  { text: "Out of date since a correction", mask: mask("stale"), lane: { stale: ALL } },
  {
    ...{ text: "Dashes tell objects apart, as their colours do" },
    mask: { ...mask("fresh"), halo: false, dash: [5, 5] },
  },
  {
    text: "Not there yet: what a click or a choice would give",
    mask: { ...mask("fresh"), color: "#ffffff", dash: DOTS, fill: 0.18 },
  },
  {
    text: "Worth a look: the least certain frame around",
    ...{ lane: { tracked: ALL }, confidence: SURE.with(4, 40), place: 4 },
  },
  {
    text: "Judged not to be in the picture",
    ...{ lane: { tracked: ALL }, confidence: SURE.map(() => 1) },
  },
];

/** A section of the help, and what draws its signs once it is to be seen. */
export function legend(): [HTMLElement, () => void] {
  const draw: (() => void)[] = [];
  const section = h(
    "section",
    h("h4", "Signs"),
    h(
      "dl.signs",
      ...SIGNS.flatMap((sign) => {
        const canvases: HTMLElement[] = [];
        if (sign.mask || sign.points) {
          const canvas = h("canvas");
          draw.push(() => drawOnPicture(canvas, sign));
          canvases.push(canvas);
        }
        if (sign.lane) {
          const lane = new Lane({ start: 0, length: FRAMES });
          lane.show(OBJECT);
          draw.push(() => lane.draw(contentOf(sign), inkOf(lane.canvas)));
          canvases.push(lane.canvas);
        }
        for (const canvas of canvases) canvas.classList.add("s2w-sign");
        return [h("dt", { "aria-hidden": "true" }, ...canvases), h("dd", sign.text)];
      }),
    ),
  );
  return [
    section,
    () => {
      for (const one of draw) one();
    },
  ];
}

function drawOnPicture(canvas: HTMLCanvasElement, { mask, points = [] }: Sign): void {
  const context = contextOf(canvas);
  if (!context) return;
  const size: Size = [canvas.clientWidth, canvas.clientHeight];
  const transform = new ViewTransform(1);
  if (mask) drawMask(context, transform, size, ellipse(size), mask);
  for (const point of points) drawPoint(context, transform, point, OBJECT.color, null);
}

function contentOf({ lane, confidence, place }: Sign): LaneContent {
  return {
    timeline: {
      ...{ type: "timeline", object: 1, prompted: [], accepted: [], rejected: [] },
      ...{ tracked: [], stale: [], ...lane },
    },
    confidence: confidence && Uint8Array.from(confidence),
    places: place === undefined ? [] : [place],
  };
}

/** Runs of a mask that has the shape of an ellipse, with a margin. */
function ellipse([width, height]: Size): Uint32Array {
  const runs = [0];
  for (let y = 0; y < height; y++) {
    const up = (2 * y + 1 - height) / (height - 4);
    const half = Math.round((width / 2 - 3) * Math.sqrt(Math.max(0, 1 - up * up)));
    const rest = width / 2 - half;
    runs[runs.length - 1] = (runs.at(-1) as number) + rest;
    runs.push(2 * half, rest);
  }
  return Uint32Array.from(runs);
}
