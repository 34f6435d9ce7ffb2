/** The class of an object in its row: a menu to pick it from. */

import type { Client } from "../../kernel/client";
import type { ObjectInfo } from "../../kernel/traits";
import { setClass } from "../../state/classes";
import type { Store } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { h, setLabel } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import type { Cell } from "./row";

export class ClassCell implements Cell {
  readonly element: HTMLSelectElement;
  /** What its options are of. */
  private listed = "";

  constructor(
    private readonly store: Store,
    client: Client,
    object: number,
    select: (object: number) => void,
  ) {
    this.element = h("select.class", {
      change: () => setClass(client, object, this.element.value),
      focus: () => select(object),
    });
  }

  update({ name, class_name, locked }: ObjectInfo): void {
    const { class_list } = this.store.state;
    setAttribute(this.element, "hidden", class_list.length === 0);
    const names = class_list.map((one) => one.name);
    const listed = JSON.stringify(names);
    if (listed !== this.listed) {
      this.listed = listed;
      const options = ["", ...names].map((one) => h("option", { value: one }, one || "no class"));
      this.element.replaceChildren(...options);
    }
    if (this.element.value !== class_name) this.element.value = class_name;
    setAttribute(this.element, "disabled", locked);
    setLabel(this.element, `Class of ${name}`);
    setTip(this.element, `Class of ${name}`);
  }
}
