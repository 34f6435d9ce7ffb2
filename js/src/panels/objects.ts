/** The list of objects: select, name, colour, show, show alone, lock, remove, add. */

import type { Client } from "../kernel/client";
import type { ObjectInfo } from "../kernel/traits";
import type { MaskRecord, Store, Topic } from "../state/store";
import { h, iconButton, setIcon, setText } from "../ui/dom";
import { drawThumbnail } from "./thumbnail";

const THUMBNAIL_PAUSE_MS = 120;

export class ObjectList {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "s2w-objects" });
  private readonly count = h("span", { class: "s2w-count" });
  private readonly empty = h(
    "p",
    { class: "s2w-empty" },
    "Click an object in the picture, or drag a box around it. Right-click what is not part of it.",
  );
  private readonly removeButton: HTMLButtonElement;
  private readonly rows = new Map<number, ObjectRow>();
  private waiting = 0;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly select: (object: number) => void,
  ) {
    const add = iconButton("add", "Add object", () => client.ask({ type: "add_object" }), {
      text: "Add object",
      hint: "C",
    });
    this.removeButton = iconButton(
      "trash",
      "Remove object",
      () => client.ask({ type: "remove_object", object: store.state.selected }),
      { hint: "the selected one" },
    );
    this.element = h(
      "section",
      { class: "s2w-side", "aria-label": "Objects" },
      h("header", {}, h("h3", {}, "Objects"), this.count),
      this.empty,
      this.list,
      h("div", { class: "s2w-row" }, add, this.removeButton),
    );
  }

  close(): void {
    window.clearTimeout(this.waiting);
  }

  update(topics: Set<Topic>): void {
    if (["frames", "masks", "frame", "objects"].some((topic) => topics.has(topic as Topic)))
      this.drawThumbnailsSoon();
    const { objects, selected, frame, solo } = this.store.state;
    setText(this.count, objects.length > 0 ? String(objects.length) : "");
    this.empty.hidden = objects.length > 0;
    this.removeButton.disabled = this.store.selectedObject === undefined;
    const ids = new Set(objects.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    const masks = this.store.masks.get(frame);
    objects.forEach((object, i) => {
      let row = this.rows.get(object.id);
      if (!row) {
        row = new ObjectRow(object, this.store, this.client, this.select);
        this.rows.set(object.id, row);
      }
      // Only what is out of place is moved: moving takes the focus away.
      if (this.list.children[i] !== row.element)
        this.list.insertBefore(row.element, this.list.children[i] ?? null);
      row.update(object, object.id === selected, solo, masks?.get(object.id));
    });
  }

  /** When nothing has moved for a moment: playing and scrubbing do not wait for it. */
  private drawThumbnailsSoon(): void {
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      const { frame, video } = this.store.state;
      const masks = this.store.masks.get(frame);
      const { top, bottom } = this.list.getBoundingClientRect();
      for (const [id, row] of this.rows) {
        const place = row.element.getBoundingClientRect();
        if (place.bottom < top || place.top > bottom) continue;
        const picture = this.store.frames.get(frame);
        drawThumbnail(row.picture, picture, masks?.get(id), video.width);
      }
    }, THUMBNAIL_PAUSE_MS);
  }
}

class ObjectRow {
  readonly element: HTMLElement;
  readonly picture = h("canvas", { class: "s2w-picture", "aria-hidden": "true" });
  private readonly color: HTMLInputElement;
  private readonly name: HTMLInputElement;
  private readonly score: HTMLElement;
  private readonly selectButton: HTMLButtonElement;
  private readonly visibility: HTMLButtonElement;
  private readonly soloButton: HTMLButtonElement;
  private readonly lockButton: HTMLButtonElement;
  private readonly removeButton: HTMLButtonElement;

  constructor(
    private object: ObjectInfo,
    store: Store,
    client: Client,
    select: (object: number) => void,
  ) {
    const { id } = object;
    const change = (what: Partial<Omit<ObjectInfo, "id">>) =>
      client.ask({ type: "update_object", object: id, ...what });
    this.color = h("input", {
      type: "color",
      title: "Colour",
      change: () => change({ color: this.color.value }),
    });
    this.name = h("input", {
      type: "text",
      maxlength: 200,
      spellcheck: "false",
      change: () => {
        const name = this.name.value.trim();
        if (name) change({ name });
        else this.name.value = this.object.name;
      },
      keydown: (event: KeyboardEvent) => {
        if (event.key === "Escape") this.name.value = this.object.name;
        if (event.key === "Escape" || event.key === "Enter") this.selectButton.focus();
      },
      focus: () => select(id),
    });
    this.score = h("span", { class: "s2w-score" });
    this.selectButton = h("button", {
      type: "button",
      class: "s2w-select",
      click: () => select(id),
    });
    this.visibility = iconButton("visible", "Hide", () =>
      change({ visible: !this.object.visible }),
    );
    this.soloButton = iconButton("solo", "Show alone", () =>
      store.set("solo", store.state.solo === id ? null : id),
    );
    this.lockButton = iconButton("unlock", "Lock", () => change({ locked: !this.object.locked }));
    this.removeButton = iconButton("remove", "Remove", () =>
      client.ask({ type: "remove_object", object: id }),
    );
    this.element = h(
      "li",
      { class: "s2w-object", "data-object": id },
      this.selectButton,
      this.picture,
      this.color,
      this.name,
      this.score,
      this.soloButton,
      this.lockButton,
      this.visibility,
      this.removeButton,
    );
  }

  update(
    object: ObjectInfo,
    selected: boolean,
    solo: number | null,
    mask: MaskRecord | undefined,
  ): void {
    this.object = object;
    const { name, visible, locked } = object;
    this.element.classList.toggle("s2w-selected", selected);
    this.element.classList.toggle("s2w-invisible", !visible);
    this.selectButton.setAttribute("aria-pressed", String(selected));
    label(this.selectButton, `Select ${name}`);
    label(this.visibility, `${visible ? "Hide" : "Show"} ${name}`);
    setIcon(this.visibility, visible ? "visible" : "hidden");
    label(this.soloButton, solo === object.id ? "Show all objects" : `Show ${name} alone`);
    this.soloButton.setAttribute("aria-pressed", String(solo === object.id));
    label(this.lockButton, `${locked ? "Unlock" : "Lock"} ${name}`);
    this.lockButton.setAttribute("aria-pressed", String(locked));
    setIcon(this.lockButton, locked ? "lock" : "unlock");
    this.name.readOnly = locked;
    label(this.removeButton, `Remove ${name}`);
    this.color.setAttribute("aria-label", `Colour of ${name}`);
    this.name.setAttribute("aria-label", `Name of ${name}`);
    // What is being edited is not taken from under the hand.
    if (document.activeElement !== this.color) this.color.value = object.color;
    if (document.activeElement !== this.name) this.name.value = name;
    const [text, hint] = describe(mask);
    setText(this.score, text);
    this.score.title = hint;
    this.score.dataset.state = mask?.state ?? "none";
  }
}

/** A mask in a word, and in a sentence. */
function describe(mask: MaskRecord | undefined): [string, string] {
  if (!mask) return ["–", "No mask on this frame"];
  const stale = mask.state === "stale" ? ". Out of date since a correction" : "";
  if (mask.score <= 0 || mask.area === 0)
    return ["absent", `Judged not to be in the picture (score ${mask.score.toFixed(1)})${stale}`];
  return [
    mask.iou.toFixed(2),
    `Predicted IoU ${mask.iou.toFixed(2)}, object score ${mask.score.toFixed(1)}${stale}`,
  ];
}

function label(button: HTMLButtonElement, text: string): void {
  button.setAttribute("aria-label", text);
  button.title = text;
}
