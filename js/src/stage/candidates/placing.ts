/** Where on the stage something stands that must not hide an object. */

import type { BoxPx } from "../../kernel/protocol";
import type { Size } from "../view-transform";

/** From the stage's edge, in CSS pixels. */
const EDGE = 10;

export interface Standing {
  left: number;
  top: number;
  /** Whether its parts are one below the other. */
  isUpright: boolean;
}

/**
 * The place where a strip hides least of a box, both in CSS pixels of the stage.
 *
 * @param flat Width and height with its parts side by side.
 * @param upright The same with one below the other.
 */
export function standApart(box: BoxPx, stage: Size, flat: Size, upright: Size): Standing {
  const spots = (size: Size, isUpright: boolean): (Standing & { size: Size })[] => {
    const [width, height] = size;
    const [right, bottom] = [stage[0] - width - EDGE, stage[1] - height - EDGE];
    const [center, middle] = [(stage[0] - width) / 2, (stage[1] - height) / 2];
    const at: [number, number][] = isUpright
      ? [
          [right, middle],
          [EDGE, middle],
          [right, bottom],
          [EDGE, bottom],
          [right, EDGE],
          [EDGE, EDGE],
        ]
      : [
          [center, bottom],
          [center, EDGE],
          [right, bottom],
          [EDGE, bottom],
          [right, EDGE],
          [EDGE, EDGE],
        ];
    return at.map(([left, top]) => ({
      left: Math.max(0, left),
      top: Math.max(0, top),
      isUpright,
      size,
    }));
  };
  const fits = upright[1] <= stage[1];
  const all = [...spots(flat, false), ...(fits ? spots(upright, true) : [])];
  let best = all[0] as Standing & { size: Size };
  for (const spot of all) if (hidden(spot, box) < hidden(best, box)) best = spot;
  const { left, top, isUpright } = best;
  return { left, top, isUpright };
}

/** How much of a box lies under a strip, in square CSS pixels. */
function hidden({ left, top, size }: Standing & { size: Size }, [x0, y0, x1, y1]: BoxPx): number {
  const width = Math.min(x1, left + size[0]) - Math.max(x0, left);
  const height = Math.min(y1, top + size[1]) - Math.max(y0, top);
  return Math.max(0, width) * Math.max(0, height);
}
