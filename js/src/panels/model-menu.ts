/** The model's name, and under it the models to choose from. */

import type { Client } from "../kernel/client";
import type { ModelEntry } from "../kernel/protocol";
import type { Store, Topic } from "../state/store";
import { h, setText } from "../ui/dom";
import { megabytes } from "../ui/durations";
import { hideFloating, placeFloating, showFloating } from "../ui/floating";
import { MemoryChoice } from "./memory-choice";

const STATES: Record<ModelEntry["state"], (size: string) => string> = {
  bundled: (size) => `comes with the library · ${size}`,
  cached: (size) => `on this machine · ${size}`,
  download: (size) => `download of ${size}`,
};

export class ModelMenu {
  readonly element: HTMLElement;
  private readonly button = h("button", {
    ...{ type: "button", class: "s2w-model", "aria-haspopup": "menu", "aria-expanded": "false" },
    ...{ title: "The model, and the device it runs on: choose another" },
    click: () => (this.menu.hidden ? this.open() : this.close()),
  });
  private readonly list = h("div", { class: "s2w-models" });
  private readonly path = h("input", {
    ...{ type: "text", spellcheck: "false", "aria-label": "Another model" },
    placeholder: "path, or owner/name of a hub",
  });
  private readonly form = h(
    "form",
    {
      submit: (event: Event) => {
        event.preventDefault();
        if (this.path.value.trim()) this.choose(this.path.value.trim());
      },
    },
    this.path,
    h("button", { type: "submit", class: "s2w-link" }, "Load"),
  );
  private readonly memory: MemoryChoice;
  private readonly menu = h(
    "div",
    { class: "s2w-popover s2w-model-menu", role: "menu", "aria-label": "Models", hidden: true },
    this.list,
    this.form,
    h(
      "p",
      {},
      "Objects and prompts stay. What the model before has tracked is out of date then; accepted masks stay.",
    ),
  );

  private readonly closeElsewhere = ({ target }: Event) => {
    if (!this.element.contains(target as Node)) this.close(false);
  };
  private readonly follow = () => placeFloating(this.menu, this.button, "end", "above");

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.memory = new MemoryChoice(store, client);
    this.form.after(this.memory.element);
    this.element = h("span", { class: "s2w-model-of" }, this.button, this.menu);
    this.element.addEventListener("keydown", (event) => this.handleKey(event as KeyboardEvent));
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !this.element.contains(relatedTarget as Node)) this.close(false);
    });
  }

  update(topics: Set<Topic>): void {
    const { status } = this.store.state;
    const text = [status.model, status.device].filter(Boolean).join(" · ");
    setText(this.button, text || "Models");
    if (!this.menu.hidden && (topics.has("models") || topics.has("status"))) this.fill();
  }

  private open(): void {
    this.client.send({ type: "want_models" });
    this.fill();
    showFloating(this.menu, this.button, "end", "above");
    this.button.setAttribute("aria-expanded", "true");
    this.items[0]?.focus({ preventScroll: true });
    document.addEventListener("pointerdown", this.closeElsewhere, true);
    window.addEventListener("scroll", this.follow, { capture: true, passive: true });
  }

  close(focus = true): void {
    if (this.menu.hidden) return;
    document.removeEventListener("pointerdown", this.closeElsewhere, true);
    window.removeEventListener("scroll", this.follow, { capture: true });
    hideFloating(this.menu);
    this.button.setAttribute("aria-expanded", "false");
    if (focus) this.button.focus({ preventScroll: true });
  }

  private choose(model: string): void {
    this.path.value = "";
    this.close();
    if (model !== this.store.state.status.model) this.client.ask({ type: "set_model", model });
  }

  private fill(): void {
    const { status, models } = this.store.state;
    const { model, switching } = status;
    const focused = this.items.indexOf(document.activeElement as HTMLElement);
    const items = models.map((entry) => this.item(entry, entry.name === model, switching));
    if (model && !models.some(({ name }) => name === model))
      items.unshift(
        this.item({ name: model, label: model, state: "cached", size_bytes: 0 }, true, switching),
      );
    this.list.replaceChildren(...items);
    this.memory.fill();
    if (!this.menu.hidden) this.follow();
    if (focused >= 0 || (!this.menu.hidden && document.activeElement === document.body))
      this.items[Math.max(0, focused)]?.focus();
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
        ...{ type: "button", role: "menuitemradio", "aria-checked": String(current) },
        ...{ tabindex: "-1", "data-model": entry.name },
        click: () => this.choose(entry.name),
      },
      h("b", {}, entry.label),
      h("span", {}, more),
    );
  }

  private get items(): HTMLElement[] {
    return [...this.list.children] as HTMLElement[];
  }

  private handleKey(event: KeyboardEvent): void {
    if (this.menu.hidden) return;
    const stops: HTMLElement[] = [...this.items, this.path];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    const typing = document.activeElement === this.path && ["Home", "End"].includes(event.key);
    if (event.key === "Escape") this.close();
    else if (to !== undefined && !typing) stops[(to + stops.length) % stops.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
