/** The places worth a look: spans of frames in which tracked masks are uncertain. */

import type { Run } from "../../kernel/protocol";
import { confidenceOf } from "../confidence";
import type { Store } from "../store";

/** A mask is worth a look that is less certain than this, 0..1. */
const UNCERTAIN = 0.5;
/** Of a span that has such frames: it may have so many others between them. */
const GAP_FRAMES = 4;

/** What was found last in the confidences of an object: there may be millions of all objects. */
const known = new WeakMap<Uint8Array, { tracked: Run[]; places: number[] }>();

/** By object, the least certain frame of each place; none of objects that nobody may change. */
export function findPlaces(store: Store): Map<number, number[]> {
  const places = new Map<number, number[]>();
  for (const { id, locked } of store.state.objects) {
    const [confidences, timeline] = [store.confidences.get(id), store.timelines.get(id)];
    if (locked || !confidences || !timeline) continue;
    const found = placesIn(confidences, timeline.tracked);
    if (found.length > 0) places.set(id, found);
  }
  return places;
}

/** The least certain frame of each place of an object. Those with few others between are one. */
export function placesIn(confidences: Uint8Array, tracked: Run[]): number[] {
  const before = known.get(confidences);
  if (before?.tracked === tracked) return before.places;
  const places: number[] = [];
  let [last, worst] = [Number.NEGATIVE_INFINITY, 1];
  for (const [start, stop] of tracked)
    for (let frame = start; frame < stop; frame++) {
      const confidence = confidenceOf(confidences[frame] ?? 0);
      if (confidence === null || confidence >= UNCERTAIN) continue;
      if (frame - last > GAP_FRAMES) {
        places.push(frame);
        worst = confidence;
      } else if (confidence < worst) {
        places[places.length - 1] = frame;
        worst = confidence;
      }
      last = frame;
    }
  known.set(confidences, { tracked, places });
  return places;
}
