/** Accept, reject, reset; and what is left to check. */

import type { Client } from "../kernel/client";
import type { Run, TimelineMessage } from "../kernel/protocol";
import { type Command, commandsOf } from "../state/keys/keys";
import { lengthOf, runAt } from "../state/runs";
import type { Store, Topic } from "../state/store";
import type { Announcer } from "../ui/announcer";
import { setAttribute } from "../ui/attributes";
import { h, iconButton, setText } from "../ui/dom";

type ReviewAction = "accept" | "reject" | "unreview" | "reset";

const DONE: Record<ReviewAction, string> = {
  accept: "accepted",
  reject: "rejected",
  unreview: "to be checked again",
  reset: "cleared",
};

export class Review {
  readonly element: HTMLElement;
  private readonly left = h("span.left");
  private readonly buttons: [HTMLButtonElement, () => boolean][];
  /** Masks that nobody has reviewed, of all objects. */
  private unreviewed = 0;
  private readonly hasMask = () => this.masksHere().length > 0;
  private readonly selectedHasMask = () => this.masksHere().includes(this.store.state.selected);

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly announcer: Announcer,
  ) {
    this.buttons = [
      [
        iconButton("accept", "Accept", () => this.review("accept"), {
          text: "Accept",
          ...{ hint: "the selected object's mask on this frame", key: "A" },
        }),
        this.selectedHasMask,
      ],
      [
        iconButton("acceptSpan", "Accept span", () => this.reviewSpan("accept"), {
          hint: "from here to the next prompted or reviewed frames, or from in to out",
          key: "Ctrl+A",
        }),
        this.selectedHasMask,
      ],
      [
        iconButton("reject", "Reject", () => this.review("reject"), {
          ...{ hint: "the selected object's mask on this frame", key: "R" },
        }),
        this.selectedHasMask,
      ],
      [
        iconButton("reset", "Reset frame", () => this.review("reset"), {
          hint: "take the selected object's prompts and mask here away",
          key: "Backspace",
        }),
        this.selectedHasMask,
      ],
      [
        iconButton("nextUnreviewed", "Next to check", () => this.next(), {
          text: "Next",
          ...{ hint: "go to the least certain mask that nobody has reviewed", key: "N" },
        }),
        () => this.unreviewed > 0,
      ],
    ];
    this.element = h(
      "div.review",
      { group: "Review" },
      h("div.joined", ...this.buttons.map(([button]) => button)),
      this.left,
    );
  }

  commands(): Command[] {
    const [review, group] = [this.review.bind(this), "Review"];
    const mask = commandsOf(group, this.selectedHasMask);
    return [
      mask("A", "Accept the mask", () => review("accept")),
      commandsOf(group, this.hasMask)("Shift+A", "Accept all objects' masks on this frame", () =>
        review("accept", null),
      ),
      mask("Ctrl+A", "Accept the span around this frame", () => this.reviewSpan("accept")),
      mask("R", "Reject the mask", () => review("reject")),
      mask("E", "Take acceptance or rejection back", () => review("unreview")),
      mask("Backspace", "Reset the object on this frame", () => review("reset")),
      commandsOf(group, () => this.store.selectedObject !== undefined)(
        "Shift+Backspace",
        "Reset the object on all frames",
        () => this.resetObject(),
      ),
      commandsOf(group)("N", "Next to check", () => this.next()),
    ];
  }

  update(topics: Set<Topic>): void {
    if (topics.has("timeline")) this.count();
    for (const [button, enabled] of this.buttons) setAttribute(button, "disabled", !enabled());
  }

  private count(): void {
    // Prompted frames are a person's own.
    this.unreviewed = 0;
    for (const { tracked, stale } of this.store.timelines.values())
      this.unreviewed += lengthOf(tracked) + lengthOf(stale);
    const count = this.unreviewed;
    const done = [...this.store.timelines.values()].some(
      ({ accepted, rejected }) => accepted.length + rejected.length > 0,
    );
    setText(this.left, count > 0 ? `${count} to check` : done ? "All checked" : "");
  }

  private review(action: ReviewAction, object: number | null = this.store.state.selected): void {
    const { frame } = this.store.state;
    if (!this.client.ask({ type: action, object, start: frame, stop: frame + 1 })) return;
    this.announcer.say(`Frame ${frame} ${DONE[action]}`);
  }

  private reviewSpan(action: ReviewAction): void {
    const { selected, frame, range } = this.store.state;
    const timeline = this.store.timelines.get(selected);
    const [start, stop] = range ?? (timeline ? spanAround(timeline, frame) : [frame, frame + 1]);
    this.client.ask({ type: action, object: selected, start, stop });
    this.announcer.say(`Frames ${start} to ${stop - 1} ${DONE[action]}`);
  }

  private resetObject(): void {
    const { selected, video } = this.store.state;
    if (!this.client.ask({ type: "reset", object: selected, start: 0, stop: video.num_frames }))
      return;
    this.announcer.say("Object cleared on all frames");
  }

  private next(): void {
    this.store.set("follow", false);
    this.client.ask({ type: "next_unreviewed" });
  }

  private masksHere(): number[] {
    return [...(this.store.masks.get(this.store.state.frame)?.keys() ?? [])];
  }
}

/** The frames around one that hang together with it: tracked, or the frame alone. */
export function spanAround({ tracked, prompted }: TimelineMessage, frame: number): Run {
  const near = runAt(tracked, frame);
  if (near) return near;
  // A prompted frame divides a run: take what lies on both sides.
  if (!prompted.includes(frame)) return [frame, frame + 1];
  const before = tracked.find(([, stop]) => stop === frame);
  const after = tracked.find(([start]) => start === frame + 1);
  return [before?.[0] ?? frame, after?.[1] ?? frame + 1];
}
