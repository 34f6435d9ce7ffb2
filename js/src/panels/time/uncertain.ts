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

/** At most five, the least certain first; of frames that hang together, the worst one. */
export function leastCertain(store: Store, count = COUNT): Place[] {
  const apart = Math.max(2, Math.round(store.state.video.num_frames * APART));
  const places: Place[] = [];
  for (const { id } of store.state.objects) {
    const bytes = store.confidences.get(id);
    const timeline = store.timelines.get(id);
    if (bytes && timeline) places.push(...worstOf(id, bytes, timeline, apart, count));
  }
  return places.sort((a, b) => a.confidence - b.confidence).slice(0, count);
}

function worstOf(
  object: number,
  bytes: Uint8Array,
  timeline: TimelineMessage,
  apart: number,
  count: number,
): Place[] {
  const found: Place[] = [];
  for (const [start, stop] of [...timeline.tracked, ...timeline.stale])
    for (let frame = start; frame < stop; frame++) {
      const confidence = confidenceOf(bytes[frame] ?? 0);
      if (confidence !== null && confidence < CERTAIN) found.push({ frame, object, confidence });
    }
  found.sort((a, b) => a.confidence - b.confidence);
  const kept: Place[] = [];
  for (const place of found) {
    if (kept.length === count) break;
    if (kept.every(({ frame }) => Math.abs(frame - place.frame) >= apart)) kept.push(place);
  }
  return kept;
}
