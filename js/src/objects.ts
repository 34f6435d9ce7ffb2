/** The list of objects: select, name, colour, show, remove, add. */

import type { Client } from "./client";
import { h, iconButton } from "./dom";
import type { ObjectInfo } from "./protocol";
import type { Store, Topic } from "./store";

export class ObjectList {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "s2w-objects" });

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly select: (object: number) => void,
  ) {
    const add = iconButton("add", "Add object", () => client.send({ type: "add_object" }), {
      text: "Add object",
    });
    this.element = h(
      "div",
      { class: "s2w-side", role: "group", "aria-label": "Objects" },
      this.list,
      add,
    );
  }

  update(topics: Set<Topic>): void {
    if (!["objects", "selected", "masks", "frame"].some((topic) => topics.has(topic as Topic)))
      return;
    const editing = this.list.contains(document.activeElement) && document.activeElement;
    // A name or colour that is being edited must not be taken from under the hand.
    if (editing instanceof HTMLInputElement && !topics.has("objects")) return;
    this.list.replaceChildren(...this.store.state.objects.map((object) => this.row(object)));
  }

  private row(object: ObjectInfo): HTMLElement {
    const { selected, frame } = this.store.state;
    const mask = this.store.masks.get(frame)?.get(object.id);
    const update = (change: Partial<Omit<ObjectInfo, "id">>) =>
      this.client.send({ type: "update_object", object: object.id, ...change });
    const color = h("input", {
      type: "color",
      value: object.color,
      "aria-label": `Colour of ${object.name}`,
      change: () => update({ color: color.value }),
    });
    const name = h("input", {
      type: "text",
      value: object.name,
      maxlength: 200,
      "aria-label": `Name of ${object.name}`,
      change: () => update({ name: name.value }),
      focus: () => this.select(object.id),
    });
    const visibility = iconButton(
      object.visible ? "visible" : "hidden",
      `${object.visible ? "Hide" : "Show"} ${object.name}`,
      () => update({ visible: !object.visible }),
    );
    const remove = iconButton("remove", `Remove ${object.name}`, () =>
      this.client.send({ type: "remove_object", object: object.id }),
    );
    const select = h("button", {
      type: "button",
      class: "s2w-select",
      "aria-label": `Select ${object.name}`,
      "aria-pressed": object.id === selected,
      title: mask
        ? `Predicted IoU ${mask.iou.toFixed(2)}, object score ${mask.score.toFixed(1)}`
        : "No mask on this frame",
      click: () => this.select(object.id),
    });
    select.setAttribute("aria-pressed", String(object.id === selected));
    select.append(mask ? (mask.score > 0 ? mask.iou.toFixed(2) : "hidden") : "–");
    return h(
      "li",
      { class: object.id === selected ? "s2w-object s2w-selected" : "s2w-object" },
      color,
      name,
      select,
      visibility,
      remove,
    );
  }
}
