/** The memory policy that tracking follows, to choose another. */

import type { Client } from "../kernel/client";
import type { Store } from "../state/store";
import { h } from "../ui/dom";

export class MemoryChoice {
  private readonly select = h("select", {
    label: "Memory policy",
    title: "Which earlier frames tracking attends to, and which mask it takes",
    change: () => this.client.ask({ type: "set_memory", memory: this.select.value }),
    // The menu around it has uses of its own for arrows.
    keydown: (event: Event) => {
      if ((event as KeyboardEvent).key !== "Escape") event.stopPropagation();
    },
  });
  readonly element = h("label.memory", h("span", "Memory"), this.select);

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {}

  fill(): void {
    const { status, memories } = this.store.state;
    const memory = status.memory ?? "";
    this.element.hidden = !memory;
    const entries = memories.some(({ name }) => name === memory)
      ? memories
      : [{ name: memory, purpose: "" }, ...memories];
    this.select.replaceChildren(
      ...entries.map(({ name, purpose }) =>
        h("option", { value: name }, purpose ? `${name}: ${purpose}` : name),
      ),
    );
    this.select.value = memory;
  }
}
