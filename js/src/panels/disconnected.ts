/** Says, over the stage, that the kernel is gone, and what of the work is safe. */

import type { Loss, Store } from "../state/store";
import { again, againFirst } from "../ui/again";
import { h, setText } from "../ui/dom";

const WHAT: Record<Loss["why"], string> = {
  restarted: "The kernel was restarted.",
  dead: "The kernel has ended.",
  unreachable: "The connection to the kernel is lost.",
  silent: "The kernel does not answer.",
};

export class Disconnected {
  /** Always there, so that screen readers notice when it is filled. */
  readonly element: HTMLElement;
  private readonly what = h("strong");
  private readonly advice = h("span");

  constructor(private readonly store: Store) {
    this.element = h("div.lost", { "aria-live": "assertive" }, this.what, this.advice);
  }

  update(): void {
    const { lost } = this.store.state;
    this.element.hidden = lost === null;
    setText(this.what, lost ? WHAT[lost.why] : "");
    setText(this.advice, lost ? describe(lost) : "");
  }
}

/** What of the work is safe, and what to do. */
function describe({ why, saved }: Loss): string {
  const waits = why === "unreachable" || why === "silent";
  const next = waits
    ? `This view goes on as soon as it answers again. If it does not, ${again()}`
    : againFirst();
  if (saved) return `Your work is saved. ${next} to go on where you were.`;
  if (saved === null)
    return `Nothing is saved by itself here: what w.save(…) has not written is lost. ${next}.`;
  return `Your work is saved, but the last edits may not be. ${next} to go on from there.`;
}
