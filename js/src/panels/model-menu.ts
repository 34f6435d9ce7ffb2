/** The model's name, and under it the models to choose from. */

import type { Client } from "../kernel/client";
import type { ModelEntry } from "../kernel/protocol";
import type { Store, Topic } from "../state/store";
import { h, setText } from "../ui/dom";
import { megabytes } from "../ui/durations";
import { Popover } from "../ui/popover";
import { MemoryChoice } from "./memory-choice";

const STATES: Record<ModelEntry["state"], (size: string) => string> = {
  bundled: (size) => `comes with the library · ${size}`,
  cached: (size) => `on this machine · ${size}`,
  download: (size) => `download of ${size}`,
};

export class ModelMenu {
  readonly element: HTMLElement;
  private readonly button = h("button.model", {
    ...{ title: "The model, and the device it runs on: choose another" },
  });
  private readonly list = h("div.models");
  private readonly path = h("input", {
    ...{ type: "text", spellcheck: "false", label: "Another model" },
    placeholder: "path, or owner/name of a hub",
  });
  private readonly memory: MemoryChoice;
  private readonly popover: Popover;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    const submit = (event: Event) => {
      event.preventDefault();
      if (this.path.value.trim()) this.choose(this.path.value.trim());
    };
    this.memory = new MemoryChoice(store, client);
    const load = h("button.link", { type: "submit" }, "Load");
    const options = { icon: this.button, label: "Models", menu: true, side: "above" } as const;
    this.popover = new Popover({ ...options, onOpen: () => this.open() }, [
      this.list,
      h("form", { submit }, this.path, load),
      this.memory.element,
      h(
        "p",
        "Objects and prompts stay. What the model before has tracked is out of date then; accepted masks stay.",
      ),
    ]);
    this.popover.panel.classList.add("s2w-model-menu");
    this.element = this.popover.element;
  }

  close(): void {
    this.popover.close();
  }

  update(topics: Set<Topic>): void {
    const { status } = this.store.state;
    const text = [status.model, status.device].filter(Boolean).join(" · ");
    setText(this.button, text || "Models");
    if (this.popover.opened && (topics.has("models") || topics.has("status"))) this.fill();
  }

  private open(): void {
    this.client.send({ type: "want_models" });
    this.fill();
  }

  private choose(model: string): void {
    this.path.value = "";
    this.popover.close(true);
    if (model !== this.store.state.status.model) this.client.ask({ type: "set_model", model });
  }

  private fill(): void {
    const { status, models } = this.store.state;
    const { model, switching } = status;
    const focused = [...this.list.children].indexOf(document.activeElement as Element);
    const items = models.map((entry) => this.item(entry, entry.name === model, switching));
    if (model && !models.some(({ name }) => name === model))
      items.unshift(
        this.item({ name: model, label: model, state: "cached", size_bytes: 0 }, true, switching),
      );
    this.list.replaceChildren(...items);
    this.memory.fill();
    this.popover.place();
    // What had the focus has gone with the list before, or there was nothing that could have it.
    if (this.popover.opened && (focused >= 0 || document.activeElement === document.body))
      items[Math.max(0, focused)]?.focus();
  }

  private item(entry: ModelEntry, current: boolean, switching = ""): HTMLElement {
    const size = megabytes(entry.size_bytes);
    const more = current
      ? "in use"
      : switching === entry.label
        ? "on its way"
        : STATES[entry.state](size);
    return h(
      "button",
      {
        ...{ role: "menuitemradio", "aria-checked": String(current) },
        ...{ tabindex: "-1", "data-model": entry.name },
        click: () => this.choose(entry.name),
      },
      h("b", entry.label),
      h("span", more),
    );
  }
}
