/** The menu of results: effects, exports, copies, and whether all of it is saved. */

import type { ResultsClient } from "../../kernel/results";
import { frameAsPng, maskAsPng } from "../../stage/draw/still";
import type { Store, Topic } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { copyOrSave } from "../../ui/browser";
import { textButton } from "../../ui/controls";
import { h, setText } from "../../ui/dom";
import { Popover } from "../../ui/popover";
import { EffectControls } from "./effect-controls";
import { ExportControls } from "./export-controls";

const TOPICS: ReadonlySet<Topic> = new Set<Topic>([
  ...(["results", "effect", "saved", "objects", "selected", "frame", "frames", "masks"] as const),
]);

export class ResultsMenu {
  readonly element: HTMLElement;
  private readonly popover: Popover;
  private readonly effects: EffectControls;
  private readonly exports: ExportControls;
  private readonly mask: HTMLButtonElement;
  private readonly copied = h("div.said", { role: "status" });
  private readonly anew: HTMLButtonElement;
  private readonly sure: HTMLElement;
  private readonly question = h("span");

  constructor(
    private readonly store: Store,
    private readonly client: ResultsClient,
  ) {
    this.effects = new EffectControls(store, client);
    this.exports = new ExportControls(store, client);
    const name = () => `${stem(store.state.video.name)}-${store.state.frame}`;
    this.mask = textButton(
      "Mask",
      () => this.copy(() => maskAsPng(store), `${name()}-mask.png`),
      "The selected object's mask on this frame, white on black",
    );
    this.anew = textButton("Start anew…", () => this.ask(true), "Remove all objects; asks first");
    const cancel = textButton("Keep them", () => this.ask(false));
    this.sure = h(
      "div.confirm",
      { role: "alertdialog", label: "Start anew?", hidden: true },
      this.question,
      h(
        "div.actions",
        textButton("Start anew", () => {
          client.startAnew();
          this.ask(false);
        }),
        cancel,
      ),
    );
    const copies = [
      textButton(
        "Frame",
        () => this.copy(() => frameAsPng(store, false), `${name()}.png`),
        "This frame without masks, as a picture",
      ),
      textButton(
        "With masks",
        () => this.copy(() => frameAsPng(store, true), `${name()}-masks.png`),
        "This frame as the stage shows it, as a picture",
      ),
      this.mask,
      textButton(
        "As Python",
        () =>
          this.copy(
            () => client.script().then((text) => new Blob([text], { type: "text/plain" })),
            `${stem(store.state.video.name)}.py`,
          ),
        "The calls that make this session, for a cell or a script",
      ),
    ];
    const options = {
      ...({ icon: "results", label: "Results", text: "Results" } as const),
      hint: "export, download, copy, effects for films",
      onOpen: () => this.open(),
    };
    this.popover = new Popover(options, [
      this.effects.element,
      this.exports.element,
      h(
        "div.section",
        { group: "Copy" },
        h("div.setting", h("span", "Copy"), h("div.actions", ...copies)),
        this.copied,
      ),
      h(
        "div.section",
        { group: "Session" },
        h("div.setting", h("span", "Session"), this.anew),
        this.sure,
      ),
    ]);
    this.popover.panel.classList.add("s2w-results");
    this.element = this.popover.element;
  }

  update(topics: Set<Topic>): void {
    if (![...topics].some((topic) => TOPICS.has(topic))) return;
    const { effect, objects, results, selected, frame } = this.store.state;
    const isActive = effect.name !== "overlay" || results.running !== null;
    setAttribute(this.popover.button, "data-active", String(isActive));
    if (!this.popover.opened) return;
    this.effects.update();
    this.exports.update();
    this.mask.disabled = !this.store.masks.get(frame)?.has(selected);
    this.anew.disabled = objects.length === 0;
    if (topics.has("results") || topics.has("effect")) this.popover.place();
  }

  close(): void {
    this.popover.close();
  }

  private open(): void {
    this.ask(false);
    setText(this.copied, "");
    this.client.open();
    // Once it is open: what is not to be seen is not kept up to date.
    queueMicrotask(() => this.update(new Set(["results"])));
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

function stem(name: string): string {
  return name.replace(/\.\w+$/, "") || "video";
}
