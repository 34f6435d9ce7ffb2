/** What is done to masks as they come from the model: switches in the panel Display. */

import type { Client } from "../kernel/client";
import type { Store } from "../state/store";
import { setting, toggle } from "../ui/controls";
import { h } from "../ui/dom";
import { setTip } from "../ui/tooltip";

/** Of a mask's area: the kernel's own default. */
const CLEANED_SHARE = 0.01;

export class MaskControls {
  readonly element: HTMLElement;
  private readonly clean: HTMLInputElement;
  private readonly apart: HTMLInputElement;
  private readonly byClass: HTMLInputElement;
  /** What the switch turns on again. */
  private size = CLEANED_SHARE;

  constructor(
    private readonly store: Store,
    client: Client,
  ) {
    this.clean = toggle(() => store.set("clean_masks", this.clean.checked ? this.size : 0));
    this.apart = toggle(() => client.setNonOverlapping(this.apart.checked));
    this.byClass = toggle(() => store.set("color_by", this.byClass.checked ? "class" : "object"));
    this.element = h(
      "div.masks",
      { group: "Masks" },
      titled("Clean new masks", this.clean, () => this.cleaning()),
      titled(
        "No overlaps",
        this.apart,
        () =>
          "A pixel belongs to one object: to what you painted, imported or accepted, else to the " +
          "object you clicked there, else to the surer mask",
      ),
      titled(
        "Colours by class",
        this.byClass,
        () => "Objects are shown in the colours of their classes, grey where they have none",
      ),
    );
  }

  update(): void {
    const { clean_masks, non_overlapping, color_by, class_list } = this.store.state;
    this.byClass.checked = color_by === "class";
    if (this.byClass.parentElement)
      this.byClass.parentElement.hidden = class_list.length === 0 && color_by === "object";
    if (clean_masks > 0) this.size = clean_masks;
    this.clean.checked = clean_masks > 0;
    this.apart.checked = non_overlapping;
    const label = this.clean.parentElement;
    if (label) setTip(label, this.cleaning());
  }

  private cleaning(): string {
    const { size } = this;
    const below =
      size < 1 ? `${Number((100 * size).toPrecision(3))} % of a mask` : `${size} pixels`;
    return `Specks and pinholes below ${below} are dropped from what the model says next, but not what you clicked, painted or accepted`;
  }
}

function titled(label: string, input: HTMLInputElement, title: () => string): HTMLElement {
  const row = setting(label, input);
  setTip(row, title());
  return row;
}
