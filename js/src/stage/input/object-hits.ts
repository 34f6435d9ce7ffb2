/** Which object's mask is at a place of the image, and whether a click there selects it. */

import type { ObjectInfo } from "../../kernel/traits";
import { runAt } from "../../state/runs";
import { covers, sizeOf } from "../../state/stage-state";
import type { Store } from "../../state/store";

/** The selected object where its mask is there, else the one with the smallest: it lies on top. */
export function objectAt(store: Store, frame: number, x: number, y: number): ObjectInfo | null {
  const masks = store.masks.get(frame);
  if (!masks) return null;
  const [width] = sizeOf(store.state.video, frame);
  const there = store.shownObjects.filter(({ id }) => {
    const mask = masks.get(id);
    return mask !== undefined && mask.area > 0 && covers(mask.runs, width, x, y);
  });
  const area = ({ id }: ObjectInfo) => masks.get(id)?.area ?? 0;
  const smallest = there.sort((a, b) => area(a) - area(b))[0] ?? null;
  return there.find(({ id }) => id === store.state.selected) ?? smallest;
}

/** The object that a click selects in place of putting a point: another one, unless a prompt is
 * pending. */
export function selectableAt(store: Store, frame: number, x: number, y: number): ObjectInfo | null {
  if (isPromptPending(store, frame)) return null;
  const object = objectAt(store, frame, x, y);
  return object?.id === store.state.selected ? null : object;
}

/** Whether the next click belongs to the selected object, wherever it is: it has nothing yet, or
 * waits for the answer to a prompt. */
function isPromptPending(store: Store, frame: number): boolean {
  const { pending, question, selected } = store.state;
  const ofIt = (object: number | null) => object === null || object === selected;
  if (pending.some((prompt) => prompt.frame === frame && ofIt(prompt.object))) return true;
  if (question?.pending?.frame === frame && ofIt(question.pending.object)) return true;
  if (!store.selectedObject) return false;
  // Of an object that has divided, the second child waits for a click from that frame on.
  const isAbsent = runAt(store.timelines.get(selected)?.rejected ?? [], frame) !== undefined;
  return store.isEmpty(selected) && !isAbsent && !store.masks.get(frame)?.has(selected);
}
