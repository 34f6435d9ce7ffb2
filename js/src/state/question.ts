/** What is accepted changes on purpose only: a request that would change it waits for an answer. */

import type { Request, Run } from "../kernel/protocol";
import type { Pending, Store } from "./store";

export type Guarded = Extract<Request, { change_accepted?: boolean }>;

export interface Question {
  /** What is sent when the answer is yes. */
  request: Guarded;
  text: string;
  /** What yes does, in two words. */
  yes: string;
  /** A prompt that waits, to be drawn meanwhile. */
  pending: Pending | null;
}

const GUARDED: ReadonlySet<Request["type"]> = new Set<Guarded["type"]>([
  ...(["click", "box", "paint", "choose", "move_point", "remove_point", "remove_box"] as const),
  ...(["clear_prompts", "remove_object", "reset", "adopt"] as const),
]);

/** What to ask before a request is sent; null where it changes nothing that is accepted. */
export function questionOf(store: Store, request: Request): Question | null {
  if (!GUARDED.has(request.type)) return null;
  const guarded = request as Guarded;
  if (guarded.change_accepted) return null;
  const found = concerned(store, guarded).flatMap((object) =>
    acceptedOf(store, object, spanOf(store, guarded)).map((frame) => ({ object, frame })),
  );
  const [first] = found;
  if (!first) return null;
  const objects = new Set(found.map(({ object }) => object));
  const frames = new Set(found.map(({ frame }) => frame));
  const name = store.state.objects.find(({ id }) => id === first.object)?.name ?? "";
  const who = objects.size === 1 ? name : `${objects.size} objects`;
  const where = frames.size === 1 ? `frame ${first.frame}` : `${frames.size} frames`;
  const verb = objects.size === 1 ? "is" : "are";
  const [what, yes] = {
    remove_object: ["Remove it?", "Remove it"],
    reset: ["Reset it?", "Reset it"],
  }[guarded.type as string] ?? ["Change it?", "Change it"];
  const text = `${who} ${verb} accepted on ${where}. ${what}`;
  return { request: guarded, text, yes: yes as string, pending: null };
}

/** Whether a person vouches for an object's mask on a frame. */
export function isAccepted(store: Store, object: number, frame: number): boolean {
  return acceptedOf(store, object, [frame, frame + 1]).length > 0;
}

/** Objects that a request is about; none that is locked, which the kernel refuses to change. */
function concerned(store: Store, request: Guarded): number[] {
  const { objects, selected } = store.state;
  const ids = objects.filter(({ locked }) => !locked).map(({ id }) => id);
  const everyone = request.type === "reset" && request.object === null;
  const meant = request.object ?? (request.type === "adopt" ? -1 : selected);
  return everyone ? ids : ids.filter((id) => id === meant);
}

function spanOf(store: Store, request: Guarded): Run {
  if (request.type === "remove_object") return [0, store.state.video.num_frames];
  if (request.type === "reset") return [request.start, request.stop];
  return [request.frame, request.frame + 1];
}

/** Frames on which an object's mask is accepted, as far as a view knows. */
function acceptedOf(store: Store, object: number, [start, stop]: Run): number[] {
  const found = new Set<number>();
  for (const [first, after] of store.timelines.get(object)?.accepted ?? [])
    for (let t = Math.max(first, start); t < Math.min(after, stop); t++) found.add(t);
  // The masks of a frame come before the lane does, or after it.
  if (stop === start + 1) {
    const state = store.masks.get(start)?.get(object)?.state;
    if (state === "accepted") found.add(start);
    else if (state !== undefined) found.delete(start);
  }
  return [...found].sort((a, b) => a - b);
}
