/** Where on the stage something stands that must not hide an object. */

import type { BoxPx } from "../../kernel/protocol";
import type { Size } from "../view-transform";

/** From the stage's edge, in CSS pixels. */
const EDGE = 10;
/** From the object: what its mask has missed is clicked there. */
const GAP = 24;

export interface Standing {
  left: number;
  top: number;
  /** Whether its parts are one below the other. */
  isUpright: boolean;
}

type Spot = Standing & { size: Size };

/**
 * The place beside a box where a strip hides nothing of any box, or where there is none, the one
 * where it hides least, perhaps at an edge of the stage; all in CSS pixels of the stage.
 *
 * @param boxes Of an object that may be larger or smaller; it stands beside the first if it can.
 * @param others Of other objects, which are better not hidden either.
 * @param flat Width and height with its parts side by side.
 * @param upright The same with one below the other.
 */
export function standApart(
  boxes: BoxPx[],
  others: BoxPx[],
  stage: Size,
  flat: Size,
  upright: Size,
): Standing {
  const fits = upright[1] <= stage[1];
  const all = [
    ...boxes.flatMap((box) => [
      ...spotsBeside(box, flat, false),
      ...(fits ? spotsBeside(box, upright, true) : []),
    ]),
    ...spotsAtEdges(stage, flat, false),
    ...(fits ? spotsAtEdges(stage, upright, true) : []),
  ].map((spot) => inside(spot, stage));
  const there = [...boxes, ...others];
  const hides = all.map((spot) => there.reduce((sum, box) => sum + hidden(spot, box), 0));
  const { left, top, isUpright } = all[hides.indexOf(Math.min(...hides))] as Spot;
  return { left, top, isUpright };
}

/** Below and above a box, or with its parts one below the other, right and left of it. */
function spotsBeside([x0, y0, x1, y1]: BoxPx, size: Size, isUpright: boolean): Spot[] {
  const [width, height] = size;
  const [x, y] = [(x0 + x1 - width) / 2, (y0 + y1 - height) / 2];
  const at = isUpright
    ? ([
        [x1 + GAP, y],
        [x0 - GAP - width, y],
      ] as const)
    : ([
        [x, y1 + GAP],
        [x, y0 - GAP - height],
      ] as const);
  return at.map(([left, top]) => ({ left, top, isUpright, size }));
}

function spotsAtEdges(stage: Size, size: Size, isUpright: boolean): Spot[] {
  const [right, bottom] = [stage[0] - size[0] - EDGE, stage[1] - size[1] - EDGE];
  const [center, middle] = [(stage[0] - size[0]) / 2, (stage[1] - size[1]) / 2];
  const at = [
    ...(isUpright
      ? ([
          [right, middle],
          [EDGE, middle],
        ] as const)
      : ([
          [center, bottom],
          [center, EDGE],
        ] as const)),
    ...([
      [right, bottom],
      [EDGE, bottom],
      [right, EDGE],
      [EDGE, EDGE],
    ] as const),
  ];
  return at.map(([left, top]) => ({ left, top, isUpright, size }));
}

/** The same, moved as little as can be to lie on the stage. */
function inside(spot: Spot, stage: Size): Spot {
  const { left, top, size } = spot;
  const within = (value: number, axis: 0 | 1) =>
    Math.max(0, Math.min(Math.max(EDGE, value), stage[axis] - size[axis] - EDGE));
  return { ...spot, left: within(left, 0), top: within(top, 1) };
}

/** How much of a box lies under a strip, in square CSS pixels. */
function hidden({ left, top, size }: Spot, [x0, y0, x1, y1]: BoxPx): number {
  const width = Math.min(x1, left + size[0]) - Math.max(x0, left);
  const height = Math.min(y1, top + size[1]) - Math.max(y0, top);
  return Math.max(0, width) * Math.max(0, height);
}
