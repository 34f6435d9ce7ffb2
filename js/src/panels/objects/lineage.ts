/** What the selected object came from, or went on as; and a button that divides it. */

import type { Client } from "../../kernel/client";
import type { Store } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { h, setText } from "../../ui/dom";
import { menuItem } from "../../ui/popover";

export class Lineage {
  readonly element: HTMLElement;
  private readonly said = h("span.lineage");
  private readonly divide: HTMLButtonElement;

  constructor(
    private readonly store: Store,
    client: Client,
  ) {
    this.divide = menuItem(
      "Divide here",
      () => {
        const { frame, selected } = store.state;
        client.ask({ type: "split", object: selected, frame });
      },
      { hint: "Two new objects go on from this frame: one has its masks, click the other" },
    );
    this.element = h("div", this.said, this.divide);
  }

  update(): void {
    const { objects, video } = this.store.state;
    const object = this.store.selectedObject;
    this.element.hidden = !object || video.kind === "images" || video.num_frames < 2;
    if (!object) return;
    const { id, parents = [] } = object;
    const children = objects.filter((one) => one.parents?.includes(id)).map((one) => one.id);
    const texts = [
      parents.length > 0 ? `child of ${parents.join(" and ")}` : "",
      children.length > 0 ? `goes on as ${children.join(" and ")}` : "",
    ].filter(Boolean);
    setText(this.said, texts.length > 0 ? `Object ${id}: ${texts.join(", ")}` : "");
    setAttribute(this.divide, "disabled", object.locked || children.length > 0);
  }
}
