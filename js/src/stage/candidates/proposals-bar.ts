/** The bar of the everything mode: how many proposals there are, and what to do with the marked. */

import type { Store } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { h, setText } from "../../ui/dom";
import type { Proposals } from "./proposals";

export class ProposalsBar {
  readonly element: HTMLElement;
  private readonly text = h("span.bar-text", { role: "status" });
  private readonly find: HTMLButtonElement;
  private readonly marks: HTMLElement;
  private readonly actions: HTMLElement;
  private readonly buttons: HTMLButtonElement[];
  private readonly words = h("input", {
    ...{ type: "text", maxlength: 200, placeholder: "Find: zebra", "aria-label": "Find by words" },
    title: "What to find, in words: Enter looks for it",
    keydown: (event: KeyboardEvent) => {
      const text = this.words.value.trim();
      if (event.key === "Enter" && text) this.proposals.find(text, this.inVideo.checked);
    },
  });
  private readonly inVideo = h("input", { type: "checkbox" });
  private readonly scope = h(
    "label.bar-scope",
    { title: "Look for the words on all frames, and follow what is found" },
    this.inVideo,
    "all frames",
  );

  constructor(
    private readonly store: Store,
    private readonly proposals: Proposals,
  ) {
    this.find = action("Segment this frame", "Enter", () => proposals.find());
    const all = link("all", "Mark all proposals", () =>
      proposals.mark((proposals.all ?? []).map(({ id }) => id)),
    );
    const none = link("none", "Mark no proposal", () => proposals.mark([]));
    this.marks = h("span.bar-marks", all, none);
    this.buttons = [
      action("Add as objects", "Enter", () => proposals.adopt(false)),
      action("Merge into one", "M", () => proposals.adopt(true)),
      action("Reject", "Del", () => proposals.dismiss()),
    ];
    this.buttons[0]?.classList.add("s2w-solid");
    this.actions = h("span.bar-actions", ...this.buttons);
    this.element = h(
      "div.bar",
      { group: "Proposals" },
      this.text,
      this.marks,
      this.actions,
      this.find,
      h("span.bar-words", this.words, this.scope),
    );
  }

  update(): void {
    const { proposals } = this;
    setAttribute(this.element, "hidden", !proposals.active);
    if (!proposals.active) return;
    const { all, marked } = proposals;
    const { proposing, video } = this.store.state;
    const count = all?.length ?? 0;
    // What was found on a frame of the video can be taken while the search goes on.
    const busy = proposing !== null && !(proposals.inVideo && count > 0);
    this.scope.hidden = video.num_frames <= 1 || video.kind === "images";
    if (this.scope.hidden) this.inVideo.checked = false;
    this.element.toggleAttribute("data-busy", busy);
    this.marks.hidden = this.actions.hidden = busy || count === 0;
    this.find.hidden = busy || count > 0;
    for (const button of this.buttons) button.disabled = marked.length === 0;
    const label = all ? "Segment again" : "Segment this frame";
    if (this.find.firstChild?.textContent !== label)
      this.find.firstChild?.replaceWith(h("span", label));
    const text = busy
      ? proposals.text
        ? `Looking for ${proposals.text}${proposals.inVideo ? " on all frames" : ""}…`
        : "Segmenting everything…"
      : count > 0
        ? `${count} ${count === 1 ? "proposal" : "proposals"}, ${marked.length} selected`
        : all
          ? "No proposals left"
          : "Segment everything on this frame";
    setText(this.text, text);
  }
}

function action(label: string, key: string, run: () => void): HTMLButtonElement {
  return h(
    "button.button",
    { click: run, label },
    h("span", label),
    h("kbd", { "aria-hidden": "true" }, key),
  );
}

function link(text: string, label: string, run: () => void): HTMLButtonElement {
  const props = { click: run, label };
  return h("button.link", props, text);
}
