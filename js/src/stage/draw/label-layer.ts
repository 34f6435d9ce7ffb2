/** Ids and names on the masks, and what a person has said of each. Sizes are in CSS pixels. */

import type { State as MaskState } from "../../kernel/protocol";
import type { ObjectInfo } from "../../kernel/traits";
import { boundsOf } from "../../state/stage-state";
import type { MaskRecord, Store } from "../../state/store";
import { addCross, addTick } from "../../ui/canvas";
import { inkOn } from "../../ui/color";
import type { Size, ViewTransform } from "../view-transform";

const HEIGHT = 18;
const PAD = 5;
const GAP = 4;
const BADGE = 13;
/** From the stage's edge; a mask with less in sight has no label. */
const EDGE = 3;
const FONT = "600 11px system-ui, sans-serif";
const DARK = "rgba(18, 20, 24, 0.82)";
/** With more objects, names that say no more than the id are left out. */
const FEW = 8;

type Badge = "accepted" | "rejected" | "locked";
type Rect = [left: number, top: number, width: number, height: number];

interface Label {
  object: ObjectInfo;
  state: MaskState;
  id: string;
  name: string;
}

/** x0, y0, x1, y1 of a mask, and the middle of its first row; in pixels of the image. */
interface Extent {
  bounds: [number, number, number, number];
  top: [number, number];
}

const extents = new WeakMap<Uint32Array, Extent | null>();
const widths = new Map<string, number>();

/** Draw a label for each mask in sight that there is room for; returns how many there are. */
export function drawLabels(
  context: CanvasRenderingContext2D,
  transform: ViewTransform,
  image: Size,
  stage: Size,
  store: Store,
  masks: Map<number, MaskRecord>,
): number {
  const { display, hoveredObject, objects, selected } = store.state;
  const isNamed = display.labels && objects.length > 1;
  const first = (object: ObjectInfo) =>
    2 * Number(object.id === selected) + Number(object.id === hoveredObject);
  const ordered = [...store.shownObjects].sort((a, b) => first(b) - first(a) || a.id - b.id);
  const taken: Rect[] = [];
  context.font = FONT;
  context.textBaseline = "middle";
  for (const object of ordered) {
    const mask = masks.get(object.id);
    const extent = mask && mask.area > 0 ? extentOf(mask.runs, image[0]) : null;
    if (!mask || !extent) continue;
    const isBadged = badgesOf(object, mask.state).length > 0;
    if (!isNamed && !isBadged) continue;
    const around = toStage(transform, extent.bounds);
    const inside: Rect = [EDGE, EDGE, stage[0] - 2 * EDGE, stage[1] - 2 * EDGE];
    if (!overlaps(around, inside)) continue;
    const isMain = first(object) > 0;
    const full = isNamed ? labelOf(object, mask.state, isMain || objects.length <= FEW) : null;
    const short = { object, state: mask.state, id: isNamed ? String(object.id) : "", name: "" };
    const anchor = transform.toStage(...extent.top);
    for (const label of full ? [full, short] : [short]) {
      const width = widthOf(context, label);
      const place = placeFor(anchor, around, width, stage, taken, isMain && label === short);
      if (!place) continue;
      taken.push(place);
      drawLabel(context, label, place, object.id === selected);
      break;
    }
  }
  return taken.length;
}

/** "1" and "dog"; an object that has no name of its own is "Object 1" or, for short, "1". */
function labelOf(object: ObjectInfo, state: MaskState, isLong: boolean): Label {
  const id = String(object.id);
  const isOwn = object.name !== `Object ${id}`;
  if (isOwn) return { object, state, id, name: object.name };
  return { object, state, id: isLong ? object.name : id, name: "" };
}

/** Above the mask, else inside, below or beside it, where no other label is. */
function placeFor(
  [x, y]: [number, number],
  [left, top, width, height]: Rect,
  wide: number,
  [stageWidth, stageHeight]: Size,
  taken: Rect[],
  always: boolean,
): Rect | null {
  const places: [number, number][] = [
    [x - wide / 2, y - HEIGHT - GAP],
    [x - wide / 2, y + GAP],
    [left + width / 2 - wide / 2, top + height + GAP],
    [left + width + GAP, top + height / 2 - HEIGHT / 2],
    [left - wide - GAP, top + height / 2 - HEIGHT / 2],
    [left + width / 2 - wide / 2, top + height / 2 - HEIGHT / 2],
  ];
  const rects = places.map(
    ([at, from]): Rect => [
      Math.round(Math.max(EDGE, Math.min(stageWidth - wide - EDGE, at))),
      Math.round(Math.max(EDGE, Math.min(stageHeight - HEIGHT - EDGE, from))),
      wide,
      HEIGHT,
    ],
  );
  const free = rects.find((rect) => !taken.some((other) => overlaps(rect, other)));
  return free ?? (always ? (rects[0] ?? null) : null);
}

function drawLabel(
  context: CanvasRenderingContext2D,
  { object, state, id, name }: Label,
  [left, top, width, height]: Rect,
  isSelected: boolean,
): void {
  const { color } = object;
  context.save();
  context.globalAlpha = state === "rejected" ? 0.8 : 1;
  context.beginPath();
  context.roundRect(left, top, width, height, 4);
  context.fillStyle = DARK;
  context.fill();
  context.save();
  context.clip();
  const chip = id ? textWidth(context, id) + 2 * PAD : 0;
  context.fillStyle = color;
  context.fillRect(left, top, chip, height);
  context.restore();
  context.lineWidth = isSelected ? 2 : 1;
  context.strokeStyle = isSelected ? "#ffffff" : "rgba(0, 0, 0, 0.5)";
  context.stroke();
  const middle = top + height / 2 + 0.5;
  context.fillStyle = inkOn(color);
  context.fillText(id, left + PAD, middle);
  context.fillStyle = "#ffffff";
  if (name) context.fillText(short(name), left + chip + PAD, middle);
  badgesOf(object, state).forEach((badge, n) => {
    drawBadge(context, left + width - (n + 0.5) * BADGE - PAD, top + height / 2, badge);
  });
  context.restore();
}

/** What a person has said of a mask, from the right. */
function badgesOf({ locked }: ObjectInfo, state: MaskState): Badge[] {
  const said: Badge[] = state === "accepted" || state === "rejected" ? [state] : [];
  return locked ? ["locked", ...said] : said;
}

/** A check for what is accepted, a cross for what is rejected, a lock for what is locked. */
function drawBadge(context: CanvasRenderingContext2D, x: number, y: number, badge: Badge): void {
  context.lineWidth = 2;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = { accepted: "#8be9a8", rejected: "#ff9b9e", locked: "#ffffff" }[badge];
  context.beginPath();
  if (badge === "locked") {
    context.lineWidth = 1.5;
    context.rect(x - 3.5, y - 0.5, 7, 5);
    context.moveTo(x - 2, y - 1);
    context.arc(x, y - 2, 2, Math.PI, 2 * Math.PI);
    context.lineTo(x + 2, y - 1);
  } else if (badge === "accepted") addTick(context, x, y);
  else addCross(context, x, y);
  context.stroke();
}

function widthOf(context: CanvasRenderingContext2D, { object, state, id, name }: Label): number {
  const chip = id ? textWidth(context, id) + 2 * PAD : 0;
  const text = name ? textWidth(context, short(name)) + 2 * PAD : 0;
  const badges = badgesOf(object, state).length * BADGE;
  return chip + text + (badges && badges + (name ? PAD : 2 * PAD));
}

function textWidth(context: CanvasRenderingContext2D, text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    width = Math.ceil(context.measureText(text).width);
    widths.set(text, width);
  }
  return width;
}

function short(name: string): string {
  return name.length > 24 ? `${name.slice(0, 23)}…` : name;
}

function extentOf(runs: Uint32Array, width: number): Extent | null {
  let extent = extents.get(runs);
  if (extent === undefined) {
    const bounds = boundsOf(runs, width);
    // The first run of the mask lies in its first row.
    const begin = runs[0] ?? 0;
    const end = Math.min(begin + (runs[1] ?? 0), (Math.floor(begin / width) + 1) * width);
    const x = ((begin % width) + (end - 1 - Math.floor(begin / width) * width) + 1) / 2;
    extent = bounds && { bounds, top: [x, bounds[1]] };
    extents.set(runs, extent);
  }
  return extent;
}

function toStage(transform: ViewTransform, [x0, y0, x1, y1]: Extent["bounds"]): Rect {
  const [left, top] = transform.toStage(x0, y0);
  return [left, top, (x1 - x0) * transform.scale, (y1 - y0) * transform.scale];
}

function overlaps(a: Rect, b: Rect): boolean {
  return a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
}
