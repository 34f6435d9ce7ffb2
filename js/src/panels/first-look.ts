/** What is on the stage before there is anything: what is opened and loaded, then how to begin. */

import type { Store } from "../state/store";
import { setAttribute } from "../ui/attributes";
import { h, type IconName, icon, on, setText } from "../ui/dom";

/** A page that hears nothing for so long has no kernel. */
const PATIENCE_MS = 12_000;
const WAYS: [IconName, string, string][] = [
  ["positive", "Click an object", "right-click: not part of it"],
  ["box", "Drag a box around it", ""],
  ["everything", "Propose everything", "W"],
];

export class FirstLook {
  private readonly opening = h("span");
  private readonly loading = h("span");
  private readonly skeleton = h(
    "div.skeleton",
    { role: "status" },
    h("span.spinner", { "aria-hidden": "true" }),
    this.opening,
    this.loading,
  );
  private readonly card = h(
    "div.start",
    { "data-role": "start" },
    ...WAYS.map(([name, text, more]) =>
      h("div", icon(name), h("b", text), ...(more ? [h("span", more)] : [])),
    ),
  );
  private framed = false;
  private begun = false;
  private alone = false;
  private readonly waiting: number;

  constructor(
    private readonly store: Store,
    /** What the video is shown in. */
    screen: Element,
  ) {
    screen.append(this.skeleton, this.card);
    // It takes no pointer: what is under it can be clicked, and is to be seen before.
    on(screen, "pointermove", (event) => this.fade(event as PointerEvent), true);
    on(screen, "pointerleave", () => this.card.classList.remove("s2w-faint"));
    this.waiting = window.setTimeout(() => {
      this.alone = !this.store.answered;
      this.update();
    }, PATIENCE_MS);
  }

  close(): void {
    window.clearTimeout(this.waiting);
  }

  update(): void {
    const { video, frame, status, objects, pending, proposing, tool, lost } = this.store.state;
    this.framed ||= this.store.frames.has(frame);
    this.begun ||= objects.length > 0 || pending.length > 0 || proposing !== null;
    setAttribute(this.skeleton, "hidden", this.framed || lost !== null);
    const isBegun = this.begun || tool === "everything";
    setAttribute(this.card, "hidden", !this.framed || isBegun || lost !== null);
    if (this.framed) return;
    const name = video.name || (video.kind === "images" ? "the pictures" : "the video");
    setText(
      this.opening,
      this.alone ? "No kernel answers. Run the cell to go on." : `Opening ${name}`,
    );
    const loading = status.state === "loading" && !this.alone ? status.message : "";
    setText(this.loading, loading);
    this.loading.hidden = loading === "";
  }

  private fade({ clientX, clientY }: PointerEvent): void {
    if (this.card.hidden) return;
    const { left, top, right, bottom } = this.card.getBoundingClientRect();
    const over = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
    this.card.classList.toggle("s2w-faint", over);
  }
}
