/** What a person would sensibly do next, as a pure function of what the view knows. */

import { again, againFirst } from "../../ui/again";
import { duration } from "../../ui/durations";

/** What a propagation came to. */
export interface Ended {
  done: number;
  total: number;
  elapsed_s: number;
}

export interface Situation {
  kind: "video" | "images";
  frames: number;
  /** There is no kernel any more. */
  lost: boolean;
  recording: boolean;
  /** Of the kernel's status. */
  state: "loading" | "ready" | "working" | "propagating" | "error";
  /** The tool at hand searches for everything. */
  everything: boolean;
  proposing: boolean;
  /** Proposals of the shown frame, and those of them that are marked. */
  proposals: number;
  marked: number;
  /** Names of objects without a prompt or a mask anywhere. */
  empty: string[];
  objects: number;
  /** Whether there is a choice between masks of the last click. */
  choice: boolean;
  running: boolean;
  ended: Ended | null;
  /** Masks of all objects. */
  stale: number;
  untracked: number;
  unreviewed: number;
  /** Places worth a look, each of which has a mark in its lane. */
  places: number;
  /** A better model that may be offered now, and how sure this one is of the mask at hand. */
  offer: { label: string; iou: number } | null;
}

export type Action = "continue" | "review" | "better";

export interface NextStep {
  text: string;
  action?: Action;
  /** What is on the action's button. */
  label?: string;
}

export function nextStep(now: Situation): NextStep {
  const isVideo = now.kind === "video";
  if (now.lost) return { text: `${againFirst()} to go on.` };
  if (now.state === "error")
    return { text: `Choose another model by its name below, or ${again()}.` };
  if (now.proposing) return { text: "Looking for everything on this frame. Escape stops that." };
  if (now.everything && now.marked > 0)
    return { text: `Enter makes ${count(now.marked, "marked mask")} objects, M makes them one.` };
  if (now.everything && now.proposals > 0)
    return { text: "Click the masks that you want, then press Enter to make them objects." };
  if (now.running)
    return { text: "Tracking. You can click, correct and look around meanwhile; Escape stops." };
  if (now.offer) {
    const sure = Math.round(100 * now.offer.iou);
    return {
      text: `Only ${sure} % sure of this mask. ${now.offer.label} is better at it.`,
      action: "better",
      label: `Use ${now.offer.label}`,
    };
  }
  if (now.ended) return told(now.ended, now.places, now.unreviewed);
  if (now.objects === 0) return begin(now);
  if (now.choice)
    return {
      text: "Press 1, 2 or 3 for another mask of this click, or click again to correct it.",
    };
  const [empty] = now.empty;
  if (empty !== undefined) return { text: `Click ${empty}, or drag a box around it.` };
  if (now.stale > 0)
    return { text: `${count(now.stale, "mask")} out of date: Propagate (T) tracks them again.` };
  if (isVideo && now.frames > 1 && !now.recording && now.untracked > 0)
    return {
      text: "Click what is missing, right-click what is too much; then Propagate (T) tracks it.",
    };
  if (now.places > 0)
    return { text: `${places(now.places)} worth a look.`, action: "review", label: "Review" };
  if (now.unreviewed > 0)
    return {
      text: `Look through ${count(now.unreviewed, "mask")} with N and accept them with A, or export.`,
    };
  if (!isVideo && now.frames > 1)
    return { text: "Click what is missing, go on to the next picture, or export the masks." };
  if (now.recording) return { text: "Objects are tracked as the frames come." };
  return { text: "Everything is prompted or checked: export the masks." };
}

/** What has become of a propagation. */
function told({ done, total, elapsed_s }: Ended, uncertain: number, unreviewed: number): NextStep {
  if (done < total)
    return { text: `Stopped at ${done} of ${total}.`, action: "continue", label: "Continue" };
  const tracked = `Tracked ${count(done, "frame")} in ${duration(Math.max(1, elapsed_s))}`;
  if (uncertain > 0)
    return {
      text: `${tracked} · ${places(uncertain)} worth a look`,
      action: "review",
      label: "Review",
    };
  if (unreviewed === 0) return { text: tracked };
  return { text: `${tracked} · nothing looks uncertain`, action: "review", label: "Review" };
}

function begin({ state, kind, frames }: Situation): NextStep {
  const way = "Click an object, drag a box around it, or press W for everything.";
  if (state === "loading") return { text: `${way} It is answered once the model is there.` };
  if (kind === "video" && frames > 1)
    return {
      text: "Click an object on a frame where it is clear to see, or drag a box around it.",
    };
  return { text: way };
}

function places(number: number): string {
  return count(number, "place");
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
