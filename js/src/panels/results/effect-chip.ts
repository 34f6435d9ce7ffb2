/** Says on the stage that an effect is shown in place of masks, and ends it. */

import type { Store } from "../../state/store";
import { h, iconButton, setText } from "../../ui/dom";
import { nameOfEffect } from "./effect-controls";

export class EffectChip {
  readonly element: HTMLElement;
  private readonly text = h("span");

  constructor(private readonly store: Store) {
    const end = iconButton("remove", "End the effect", () =>
      store.set("effect", { ...store.state.effect, name: "overlay" }),
    );
    this.element = h("div.chip", { hidden: true }, this.text, end);
  }

  update(): void {
    const { name } = this.store.state.effect;
    this.element.hidden = name === "overlay";
    setText(this.text, nameOfEffect(name));
  }
}
