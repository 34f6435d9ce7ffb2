/** A row of the table: what is said of an object, and its lane. */

import type { Client } from "../../kernel/client";
import type { ObjectInfo } from "../../kernel/traits";
import { changeColor } from "../../state/classes";
import type { MaskRecord, Store } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { h, icon, iconButton, setIcon, setLabel, setPressed, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import type { Lane } from "../time/lane";

/** What another part shows of an object in a column of its own. */
export interface Cell {
  element: HTMLElement;
  update(object: ObjectInfo): void;
}

export class ObjectRow {
  readonly element: HTMLElement;
  readonly picture = h("canvas.picture", { "aria-hidden": "true" });
  private readonly color: HTMLInputElement;
  private readonly name: HTMLInputElement;
  private readonly score = h("span.score");
  private readonly number = h("span.id", { "aria-hidden": "true" });
  private readonly verdict = h("span.verdict");
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
    readonly lane: Lane,
    private readonly cells: Cell[],
  ) {
    const { id } = object;
    const change = (what: Partial<Omit<ObjectInfo, "id">>) =>
      client.ask({ type: "update_object", object: id, ...what });
    this.color = h("input", {
      type: "color",
      title: "Colour",
      change: () => changeColor(store, client, this.object, this.color.value),
    });
    this.name = h("input", {
      type: "text",
      maxlength: 200,
      spellcheck: "false",
      tabindex: "-1",
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
    this.selectButton = h("button.select");
    this.visibility = iconButton("visible", "Hide", () =>
      change({ visible: !this.object.visible }),
    );
    this.soloButton = iconButton("solo", "Show alone", () =>
      store.set("solo", store.state.solo === id ? null : id),
    );
    this.lockButton = iconButton("unlock", "Lock", () => change({ locked: !this.object.locked }));
    this.removeButton = iconButton("trash", "Remove", () =>
      client.ask({ type: "remove_object", object: id }),
    );
    const more = h("span.more", this.soloButton, this.removeButton);
    this.element = h(
      "li.object",
      { "data-object": id },
      h(
        "div.cells",
        {
          click: ({ target }: MouseEvent) => {
            if (!this.isOther(target)) select(id);
          },
          dblclick: (event: MouseEvent) => {
            if (!this.isOther(event.target) && this.nameIsAt(event)) this.rename();
          },
        },
        this.selectButton,
        this.picture,
        this.color,
        this.number,
        h("span.name", this.name, more),
        ...cells.map(({ element }) => element),
        this.verdict,
        this.score,
        this.lockButton,
        this.visibility,
      ),
      lane.canvas,
    );
  }

  /** Let a person type a name. */
  rename(): void {
    if (this.object.locked) return;
    this.name.focus();
    this.name.select();
  }

  update(
    object: ObjectInfo,
    selected: boolean,
    solo: number | null,
    mask: MaskRecord | undefined,
  ): void {
    this.object = object;
    const { id, name, visible, locked } = object;
    this.element.classList.toggle("s2w-selected", selected);
    this.element.classList.toggle("s2w-invisible", !visible || (solo !== null && solo !== id));
    setPressed(this.selectButton, selected);
    label(this.selectButton, `Select ${name}`, "Select; double-click the name to change it");
    label(this.visibility, `${visible ? "Hide" : "Show"} ${name}`);
    setIcon(this.visibility, visible ? "visible" : "hidden");
    label(this.soloButton, solo === id ? "Show all objects" : `Show ${name} alone`);
    setPressed(this.soloButton, solo === id);
    label(this.lockButton, `${locked ? "Unlock" : "Lock"} ${name}`);
    setPressed(this.lockButton, locked);
    setIcon(this.lockButton, locked ? "lock" : "unlock");
    this.name.readOnly = locked;
    label(this.removeButton, `Remove ${name}`);
    setLabel(this.color, `Colour of ${name}`);
    setLabel(this.name, `Name of ${name}`);
    setText(this.number, String(id));
    // What is being edited is not taken from under the hand.
    if (document.activeElement !== this.color) this.color.value = object.color;
    if (document.activeElement !== this.name) this.name.value = name;
    this.lane.show(object);
    this.showMask(mask);
  }

  /** What it says of the frame that is shown. */
  showMask(mask: MaskRecord | undefined): void {
    for (const cell of this.cells) cell.update(this.object);
    const [text, hint] = describe(mask);
    const state = mask?.state ?? "none";
    setText(this.score, text);
    setTip(this.score, hint);
    setAttribute(this.score, "data-state", state);
    const sign = state === "accepted" ? "accept" : state === "rejected" ? "reject" : null;
    if (this.verdict.dataset.state === state) return;
    this.verdict.dataset.state = state;
    this.verdict.replaceChildren(...(sign ? [icon(sign)] : []));
  }

  /** Whether it is a control with a use of its own. */
  private isOther(target: EventTarget | null): boolean {
    const control = (target as Element).closest("button, input, select");
    return control !== null && control !== this.selectButton;
  }

  private nameIsAt({ clientX, clientY }: MouseEvent): boolean {
    const { left, right, top, bottom } = this.name.getBoundingClientRect();
    return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
  }
}

/** A mask in a word, and in a sentence. */
function describe(mask: MaskRecord | undefined): [string, string] {
  if (!mask) return ["–", "No mask on this frame"];
  const states: Partial<Record<MaskRecord["state"], string>> = {
    stale: ". Out of date since a correction",
    accepted: ". Accepted",
    rejected: ". Rejected",
  };
  const state = states[mask.state] ?? "";
  if (mask.score <= 0 || mask.area === 0)
    return ["absent", `Judged not to be in the picture (score ${mask.score.toFixed(1)})${state}`];
  return [
    mask.iou.toFixed(2),
    `Predicted IoU ${mask.iou.toFixed(2)}, object score ${mask.score.toFixed(1)}${state}`,
  ];
}

function label(button: HTMLButtonElement, text: string, tip = text): void {
  setLabel(button, text);
  setTip(button, tip);
}
