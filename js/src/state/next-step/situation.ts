/** What the next step depends on, read from a view's store. */

import type { TimelineMessage } from "../../kernel/protocol";
import { isPropagating } from "../keys/commands";
import { lengthOf, runAt } from "../runs";
import type { Store } from "../store";
import type { Situation } from "./next-step";

/** A better model is offered where the predicted IoU is lower. */
export const UNSURE_IOU = 0.5;

export function situationOf(store: Store): Situation {
  const { state } = store;
  const { video, objects, status, proposals, frame, candidates } = state;
  const frames = video.num_frames;
  const empty: string[] = [];
  let [stale, untracked, unreviewed] = [0, 0, 0];
  for (const object of objects) {
    const timeline = store.timelines.get(object.id);
    if (store.isEmpty(object.id)) {
      empty.push(object.name);
      continue;
    }
    if (object.locked || !timeline) continue;
    stale += lengthOf(timeline.stale);
    untracked += Math.max(0, frames - framesOf(timeline));
    unreviewed += lengthOf(timeline.tracked) + lengthOf(timeline.stale);
  }
  const running = isPropagating(state);
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
    running,
    ended: state.ended,
    ...{ stale, untracked, unreviewed },
    // All of the frames are looked at: not for each of those that come.
    places: running ? 0 : [...store.places.values()].flat().length,
    offer: offerOf(store),
  };
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
  const alone = prompted.filter((frame) => !runAt(reviewed, frame));
  return alone.length + lengthOf(reviewed) + lengthOf(tracked) + lengthOf(stale);
}
