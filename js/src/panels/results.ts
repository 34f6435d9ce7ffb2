/** The menu of results: effects, exports, copies, and whether all of it is saved. */

import type { ResultsClient } from "../kernel/results";
import { frameAsPng, maskAsPng } from "../stage/draw/still";
import type { Store, Topic } from "../state/store";
import { copyOrSave } from "../ui/browser";
import { h, iconButton, setText } from "../ui/dom";
import { EffectControls } from "./effect-controls";
import { ExportControls } from "./export-controls";

/** Pixels that the panel keeps from the edge of the cell. */
const EDGE = 6;
const TOPICS: ReadonlySet<Topic> = new Set<Topic>([
  ...(["results", "effect", "saved", "objects", "selected", "frame", "frames", "masks"] as const),
]);

export class ResultsMenu {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly panel: HTMLElement;
  private readonly effects: EffectControls;
  private readonly exports: ExportControls;
  private readonly mask: HTMLButtonElement;
  private readonly copied = h("div", { class: "s2w-said", role: "status" });
  private readonly anew: HTMLButtonElement;
  private readonly sure: HTMLElement;
  private readonly question = h("span");

  constructor(
    private readonly store: Store,
    private readonly client: ResultsClient,
  ) {
    this.effects = new EffectControls(store, client);
    this.exports = new ExportControls(store, client);
    this.button = iconButton("results", "Results", () => this.open(this.panel.hidden), {
      text: "Results",
      hint: "export, download, copy, effects for films",
    });
    this.button.setAttribute("aria-expanded", "false");
    const name = () => `${stem(store.state.video.name)}-${store.state.frame}`;
    this.mask = plain("Mask", "The selected object's mask on this frame, white on black", () =>
      this.copy(() => maskAsPng(store), `${name()}-mask.png`),
    );
    this.anew = plain("Start anew…", "Remove all objects; asks first", () => this.ask(true));
    const cancel = plain("Keep them", "", () => this.ask(false));
    this.sure = h(
      "div",
      { class: "s2w-question", role: "alertdialog", "aria-label": "Start anew?", hidden: true },
      this.question,
      h(
        "div",
        { class: "s2w-actions" },
        plain("Start anew", "", () => {
          client.startAnew();
          this.ask(false);
        }),
        cancel,
      ),
    );
    this.panel = h(
      "div",
      {
        class: "s2w-panel s2w-results",
        role: "group",
        "aria-label": "Results",
        hidden: true,
        keydown: (event: KeyboardEvent) => {
          if (event.key !== "Escape") return;
          this.open(false);
          this.button.focus();
          event.stopPropagation();
        },
      },
      this.effects.element,
      this.exports.element,
      h(
        "div",
        { class: "s2w-section", role: "group", "aria-label": "Copy" },
        h(
          "div",
          { class: "s2w-setting" },
          h("span", {}, "Copy"),
          h(
            "div",
            { class: "s2w-actions" },
            plain("Frame", "This frame without masks, as a picture", () =>
              this.copy(() => frameAsPng(store, false), `${name()}.png`),
            ),
            plain("With masks", "This frame as the stage shows it, as a picture", () =>
              this.copy(() => frameAsPng(store, true), `${name()}-masks.png`),
            ),
            this.mask,
            plain("As Python", "The calls that make this session, for a cell or a script", () =>
              this.copy(
                () => client.script().then((text) => new Blob([text], { type: "text/plain" })),
                `${stem(store.state.video.name)}.py`,
              ),
            ),
          ),
        ),
        this.copied,
      ),
      h(
        "div",
        { class: "s2w-section", role: "group", "aria-label": "Session" },
        h("div", { class: "s2w-setting" }, h("span", {}, "Session"), this.anew),
        this.sure,
      ),
    );
    this.element = h("div", { class: "s2w-menu" }, this.button, this.panel);
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.element.contains(relatedTarget as Node)) this.open(false);
    });
  }

  update(topics: Set<Topic>): void {
    if (![...topics].some((topic) => TOPICS.has(topic))) return;
    const { effect, objects, results, selected, frame } = this.store.state;
    this.button.dataset.active = String(effect.name !== "overlay" || results.running !== null);
    if (this.panel.hidden) return;
    this.effects.update();
    this.exports.update();
    this.mask.disabled = !this.store.masks.get(frame)?.has(selected);
    this.anew.disabled = objects.length === 0;
  }

  /** Close the panel: a press elsewhere. */
  close(target: Node): void {
    if (!this.element.contains(target)) this.open(false);
  }

  private open(on: boolean): void {
    if (on === !this.panel.hidden) return;
    this.panel.hidden = !on;
    this.button.setAttribute("aria-expanded", String(on));
    if (!on) return;
    this.ask(false);
    setText(this.copied, "");
    this.client.open();
    this.update(new Set(["results"]));
    this.effects.select.focus({ preventScroll: true });
    this.keepInside();
  }

  /** Move the panel sideways until all of it lies inside the cell. */
  private keepInside(): void {
    const cell = this.panel.closest(".sam2widget")?.getBoundingClientRect();
    if (!cell) return;
    this.panel.style.translate = "";
    const { left, right } = this.panel.getBoundingClientRect();
    const shift = Math.max(Math.min(0, cell.right - EDGE - right), cell.left + EDGE - left);
    this.panel.style.translate = `${Math.round(shift)}px`;
  }

  private ask(on: boolean): void {
    this.sure.hidden = !on;
    if (!on) return;
    const { objects, saved } = this.store.state;
    const count = objects.length === 1 ? "the object" : `all ${objects.length} objects`;
    const kept = saved && saved.state !== "off" ? " What is saved is put aside as a file." : "";
    setText(
      this.question,
      `Remove ${count}, with prompts and masks? Undo brings them back.${kept}`,
    );
    this.sure.querySelector("button")?.focus();
  }

  private async copy(make: () => Promise<Blob>, name: string): Promise<void> {
    setText(this.copied, "");
    try {
      setText(this.copied, await copyOrSave(make(), name));
      this.copied.dataset.failed = "false";
    } catch (error) {
      setText(this.copied, error instanceof Error ? error.message : String(error));
      this.copied.dataset.failed = "true";
    }
  }
}

function plain(text: string, title: string, click: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "s2w-button s2w-plain", click, title }, text);
}

function stem(name: string): string {
  return name.replace(/\.\w+$/, "") || "video";
}
