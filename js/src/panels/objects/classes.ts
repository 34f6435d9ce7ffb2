/** The classes of a session: which new objects get, which are shown; and more of an object. */

import type { Client } from "../../kernel/client";
import type { ObjectClass } from "../../kernel/traits";
import { parseAttribute } from "../../state/classes";
import type { Store, Topic } from "../../state/store";
import { h, iconButton, on, setIcon, setLabel, setPressed, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import { Lineage } from "./lineage";

export class ClassPanel {
  readonly element: HTMLElement;
  private readonly list = h("ul.class-list");
  private readonly classes: HTMLElement;
  private readonly attributes: AttributeEditor;
  private readonly lineage: Lineage;
  private readonly adding: HTMLInputElement;
  private chips = new Map<string, ClassChip>();

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.attributes = new AttributeEditor(store, client);
    this.lineage = new Lineage(store, client);
    this.adding = h("input.new-class", {
      ...{ type: "text", maxlength: 200, placeholder: "New class", spellcheck: "false" },
      ...{ label: "New class" },
      change: () => this.add(),
      keydown: (event: KeyboardEvent) => {
        if (event.key === "Escape") this.adding.value = "";
      },
    });
    this.classes = h("div.classes", { group: "Classes" }, ...[this.list, this.adding]);
    this.element = h(
      "div.class-panel",
      ...[this.classes, this.attributes.element, this.lineage.element],
    );
  }

  update(topics: Set<Topic>): void {
    const relevant: Topic[] = ["class_list", "current_class", "objects", "hiddenClasses"];
    if (relevant.some((topic) => topics.has(topic))) this.updateClasses();
    if (!topics.has("objects") && !topics.has("selected")) return;
    this.attributes.update();
    this.lineage.update();
  }

  private updateClasses(): void {
    const { class_list, objects } = this.store.state;
    this.list.hidden = class_list.length === 0;
    const before = this.chips;
    this.chips = new Map(
      class_list.map(({ name }) => [name, before.get(name) ?? new ClassChip(name, this.store)]),
    );
    const items = [...this.chips.values()].map(({ element }) => element);
    if (items.some((one, n) => this.list.children[n] !== one) || items.length < before.size)
      this.list.replaceChildren(...items);
    class_list.forEach((one, n) => {
      const count = objects.filter(({ class_name }) => class_name === one.name).length;
      this.chips.get(one.name)?.update(one, n, count);
    });
  }

  private add(): void {
    const class_name = this.adding.value.trim();
    if (!class_name) return;
    this.adding.value = "";
    this.client.ask({ type: "add_class", class_name });
  }
}

/** A class with its colour and how many objects it has; pressed, new objects get it. */
class ClassChip {
  readonly element: HTMLElement;
  private readonly swatch = h("span.swatch", { "aria-hidden": "true" });
  private readonly count = h("span.count");
  private readonly choose: HTMLButtonElement;
  private readonly show: HTMLButtonElement;

  constructor(
    private readonly name: string,
    private readonly store: Store,
  ) {
    const { state } = store;
    this.choose = h("button.button.wide", {
      click: () => store.set("current_class", state.current_class === name ? "" : name),
    });
    this.choose.append(this.swatch, h("span.class-name", name), this.count);
    this.show = iconButton("visible", `Hide ${name}`, () => {
      const hidden = new Set(state.hiddenClasses);
      if (!hidden.delete(name)) hidden.add(name);
      store.set("hiddenClasses", hidden);
    });
    this.element = h("li.class-chip", this.choose, this.show);
  }

  update({ color }: ObjectClass, index: number, count: number): void {
    const { name } = this;
    const { current_class, hiddenClasses } = this.store.state;
    const current = current_class === name;
    const hidden = hiddenClasses.has(name);
    this.swatch.style.background = color;
    setText(this.count, count > 0 ? String(count) : "");
    setPressed(this.choose, current);
    setLabel(this.choose, `New objects are ${name}`);
    const key = index < 9 ? `. Shift ${index + 1} gives it to the selected object` : "";
    setTip(
      this.choose,
      current
        ? `New objects are ${name}. Press for none`
        : `Give new objects the class ${name}${key}`,
    );
    const does = `${hidden ? "Show" : "Hide"} objects of the class ${name}`;
    setLabel(this.show, does);
    setTip(this.show, does);
    setPressed(this.show, hidden);
    setIcon(this.show, hidden ? "hidden" : "visible");
  }
}

/** The attributes of the selected object, folded in: a line for each, and one for a new one. */
class AttributeEditor {
  readonly element: HTMLDetailsElement;
  private readonly title = h("summary");
  private readonly list = h("ul.attributes");
  private readonly name = input("New attribute");
  private readonly value = input("Value of the new attribute");
  private shown = "";

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.name.placeholder = "name";
    this.value.placeholder = "value";
    on(this.value, "change", () => this.add());
    const line = h("div.attribute", this.name, this.value);
    this.element = h("details.attribute-editor", this.title, this.list, line);
  }

  update(): void {
    const object = this.store.selectedObject;
    this.element.hidden = object === undefined;
    if (!object) return;
    const entries = Object.entries(object.attributes);
    const shown = JSON.stringify([object.id, object.locked, entries]);
    setText(
      this.title,
      `Attributes of ${object.name}${entries.length > 0 ? ` (${entries.length})` : ""}`,
    );
    if (shown === this.shown) return;
    this.shown = shown;
    this.name.disabled = this.value.disabled = object.locked;
    this.list.replaceChildren(
      ...entries.map(([name, value]) => {
        const field = input(name);
        field.value = String(value);
        field.disabled = object.locked;
        on(field, "change", () => this.set(name, parseAttribute(field.value)));
        const remove = iconButton("remove", `Remove attribute ${name}`, () => this.set(name, null));
        remove.disabled = object.locked;
        return h("li.attribute", h("span", name), field, remove);
      }),
    );
  }

  private add(): void {
    const name = this.name.value.trim();
    if (!name) {
      this.name.focus();
      return;
    }
    this.set(name, parseAttribute(this.value.value));
    this.name.value = this.value.value = "";
    this.name.focus();
  }

  private set(name: string, value: boolean | number | string | null): void {
    const { selected } = this.store.state;
    this.client.ask({ type: "set_attributes", object: selected, attributes: { [name]: value } });
  }
}

function input(label: string): HTMLInputElement {
  const props = { type: "text", maxlength: 200, spellcheck: "false", label };
  return h("input", props);
}
