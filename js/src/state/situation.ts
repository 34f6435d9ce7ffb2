/** What the next step depends on, read from a view's store. */

import type { Run, TimelineMessage } from "../kernel/protocol";
import type { Situation } from "./next-step";
import type { Store } from "./store";

/** A mask is worth a look that is less certain than this, 0..1. */
export const UNCERTAIN = 0.5;
/** Of a span that has such frames: it may have so many others between them. */
const GAP_FRAMES = 4;
/** A better model is offered where the predicted IoU is lower. */
export const UNSURE_IOU = 0.5;

/** Bytes of a confidence message: 0 is no mask, 1 an absent object, 2..255 a confidence of 0..1. */
const LOWEST = 2;
const UNCERTAIN_BYTE = LOWEST + Math.round(UNCERTAIN * (255 - LOWEST));

export function situationOf(store: Store): Situation {
  const { state } = store;
  const { video, objects, status, proposals, frame, candidates, progress } = state;
  const frames = video.num_frames;
  const empty: string[] = [];
  let [stale, untracked, unreviewed, uncertain] = [0, 0, 0, 0];
  for (const object of objects) {
    const timeline = store.timelines.get(object.id);
    const known = timeline ? framesOf(timeline) : 0;
    if (known === 0) {
      empty.push(object.name);
      continue;
    }
    if (object.locked || !timeline) continue;
    stale += lengthOf(timeline.stale);
    untracked += Math.max(0, frames - known);
    unreviewed += lengthOf(timeline.tracked) + lengthOf(timeline.stale);
    uncertain += countPlaces(store.confidences.get(object.id), timeline.tracked);
  }
  return {
    kind: video.kind,
    frames,
    lost: state.lost !== null,
    recording: video.live?.recording ?? false,
    state: status.state,
    everything: state.tool === "everything",
    proposing: state.proposing !== null,
    proposals: proposals.get(frame)?.length ?? 0,
    marked: state.marked.size,
    empty,
    objects: objects.length,
    choice: candidates !== null && candidates.frame === frame,
    running: status.state === "propagating" || progress !== null,
    ended: state.ended,
    ...{ stale, untracked, unreviewed },
    places: uncertain,
    offer: offerOf(store),
  };
}

/** What was counted last of the confidences of an object: there may be millions, and the next step
 * is looked for with each frame that is shown. */
const counted = new WeakMap<Uint8Array, { tracked: Run[]; places: number }>();

/** Spans in which tracked masks are uncertain. Those with few others between them are one. */
export function countPlaces(confidence: Uint8Array | undefined, tracked: Run[]): number {
  if (!confidence) return 0;
  const known = counted.get(confidence);
  if (known?.tracked === tracked) return known.places;
  let [places, last] = [0, Number.NEGATIVE_INFINITY];
  for (const [start, stop] of tracked)
    for (let t = start; t < stop; t++) {
      const byte = confidence[t] ?? 0;
      if (byte < LOWEST || byte >= UNCERTAIN_BYTE) continue;
      if (t - last > GAP_FRAMES) places++;
      last = t;
    }
  counted.set(confidence, { tracked, places });
  return places;
}

/** A better model, where the one at hand is not sure of the mask that a person has just prompted. */
function offerOf(store: Store): Situation["offer"] {
  const { status, selected, frame, pending } = store.state;
  if (!status.note_model || status.switching || pending.length > 0) return null;
  if (!store.promptsOf(selected, frame)) return null;
  const mask = store.masks.get(frame)?.get(selected);
  if (mask?.source !== "prompt" || mask.state === "accepted" || mask.iou >= UNSURE_IOU) return null;
  return { label: status.note_label ?? status.note_model, iou: mask.iou };
}

function framesOf({ prompted, accepted, rejected, tracked, stale }: TimelineMessage): number {
  const reviewed = [...accepted, ...rejected];
  // A prompted frame that was reviewed is in both.
  const alone = prompted.filter((t) => !reviewed.some(([start, stop]) => start <= t && t < stop));
  return alone.length + lengthOf(reviewed) + lengthOf(tracked) + lengthOf(stale);
}

function lengthOf(runs: Run[]): number {
  return runs.reduce((sum, [start, stop]) => sum + stop - start, 0);
}
