/** The area of an object's mask in its row, where the size of a pixel is known. */

import type { ObjectInfo } from "../../kernel/traits";
import type { Store } from "../../state/store";
import { areaText } from "../../state/units";
import { setAttribute } from "../../ui/attributes";
import { h, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import type { Cell } from "./row";

export class AreaCell implements Cell {
  readonly element = h("span.area");

  constructor(private readonly store: Store) {}

  update({ id }: ObjectInfo): void {
    const { frame, video } = this.store.state;
    setAttribute(this.element, "hidden", video.pixel_size === null);
    if (video.pixel_size === null) return;
    const area_px = this.store.masks.get(frame)?.get(id)?.area;
    setText(this.element, area_px === undefined ? "" : areaText(area_px, video.pixel_size));
    setTip(
      this.element,
      area_px === undefined ? "" : `Area on this frame: ${areaText(area_px, null)}`,
    );
  }
}
