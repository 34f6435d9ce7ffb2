/** The places that are most worth a look: where masks that nobody reviewed are least certain. */

import type { TimelineMessage } from "../../kernel/protocol";
import type { Store } from "../../state/store";
import { confidenceOf } from "./heat";

export interface Place {
  frame: number;
  object: number;
  /** 0..1 */
  confidence: number;
}

const COUNT = 5;
/** Places of an object are at least so far apart, as a share of the video. */
const APART = 1 / 40;
/** What is as certain as this is worth no mark. */
const CERTAIN = 0.9;

/** What was found last in the confidences of an object, of which there may be hundreds. */
const known = new WeakMap<Uint8Array, { timeline: TimelineMessage; places: Place[] }>();

/** At most five, the least certain first; of frames that hang together, the worst one. */
export function leastCertain(store: Store): Place[] {
  const apart = Math.max(2, Math.round(store.state.video.num_frames * APART));
  const places: Place[] = [];
  for (const { id } of store.state.objects) {
    const bytes = store.confidences.get(id);
    const timeline = store.timelines.get(id);
    if (!bytes || !timeline) continue;
    let worst = known.get(bytes);
    if (worst?.timeline !== timeline) {
      worst = { timeline, places: worstOf(id, bytes, timeline, apart) };
      known.set(bytes, worst);
    }
    places.push(...worst.places);
  }
  return places.sort((a, b) => a.confidence - b.confidence).slice(0, COUNT);
}

function worstOf(
  object: number,
  bytes: Uint8Array,
  timeline: TimelineMessage,
  apart: number,
): Place[] {
  const all: Place[] = [];
  for (const [start, stop] of [...timeline.tracked, ...timeline.stale])
    for (let frame = start; frame < stop; frame++) {
      const confidence = confidenceOf(bytes[frame] ?? 0);
      if (confidence !== null && confidence < CERTAIN) all.push({ frame, object, confidence });
    }
  all.sort((a, b) => a.confidence - b.confidence);
  const kept: Place[] = [];
  for (const place of all) {
    if (kept.length === COUNT) break;
    if (kept.every(({ frame }) => Math.abs(frame - place.frame) >= apart)) kept.push(place);
  }
  return kept;
}
