/** What belongs to one object lights up together: its mask, its row, its lane. */

import type { Store, Topic } from "../state/store";
import { on } from "./dom";

const LIT = "s2w-hovered";

/** Any element of a view with `data-object` takes part, and has the class while it is lit. */
export class HoverLight {
  constructor(
    private readonly root: HTMLElement,
    private readonly store: Store,
  ) {
    const light = ({ target }: Event) => {
      const id = ofObject(target);
      if (id !== null) store.set("hoveredObject", id);
    };
    const leave = (event: PointerEvent | FocusEvent) => {
      const id = ofObject(event.target);
      if (id !== null && ofObject(event.relatedTarget) !== id) store.set("hoveredObject", null);
    };
    on(root, "pointerover", light);
    on(root, "pointerout", leave);
    on(root, "focusin", light);
    on(root, "focusout", leave);
  }

  update(topics: Set<Topic>): void {
    if (!(["hoveredObject", "objects", "timeline"] as const).some((topic) => topics.has(topic)))
      return;
    const { hoveredObject } = this.store.state;
    for (const element of this.root.querySelectorAll<HTMLElement>("[data-object]"))
      element.classList.toggle(LIT, element.dataset.object === String(hoveredObject));
  }
}

/** The object that something in a view is of; null for none. */
function ofObject(target: EventTarget | null): number | null {
  const element = target instanceof Element ? target.closest<HTMLElement>("[data-object]") : null;
  return element ? Number(element.dataset.object) : null;
}
