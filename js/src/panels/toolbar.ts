/**
 * The one row above the stage: tools, edits, how the stage shows things, menus, Propagate.
 *
 * Nothing in it comes or goes while one works, so that nothing moves. To add a menu:
 *
 *     toolbar.add(new Popover({ icon: "export", label: "Results", text: "Results" }, […]).element);
 *
 * It stands before Propagate, in the order of adding; in a narrow view its text is left out and the
 * icon stays. What is added keeps its width in every state of its own.
 */

import type { Client } from "../kernel/client";
import { ofFramesOnly, type Store, type Topic } from "../state/store";
import { setAttribute } from "../ui/attributes";
import { h, iconButton } from "../ui/dom";
import { setTip } from "../ui/tooltip";
import { PropagateControl } from "./propagate";

export class Toolbar {
  readonly element: HTMLElement;
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly menus = h("div.menus");
  private readonly propagate: PropagateControl;

  constructor(
    private readonly store: Store,
    client: Client,
    /** Groups of the stage. */
    tools: HTMLElement,
    display: HTMLElement,
  ) {
    this.undo = iconButton("undo", "Undo", () => client.ask({ type: "undo" }));
    this.redo = iconButton("redo", "Redo", () => client.ask({ type: "redo" }));
    this.clear = iconButton(
      "clear",
      "Clear prompts",
      () => {
        const { frame, selected } = store.state;
        client.ask({ type: "clear_prompts", frame, object: selected });
      },
      { hint: "of the selected object on this frame" },
    );
    this.propagate = new PropagateControl(store, client);
    this.element = h(
      "div.toolbar",
      { role: "toolbar", label: "Tools" },
      tools,
      h("div.joined", { group: "Edit" }, this.undo, this.redo, this.clear),
      display,
      this.menus,
      this.propagate.element,
    );
  }

  /** Put a menu, or another control, into the row. */
  add(control: HTMLElement): void {
    this.menus.append(control);
  }

  close(): void {
    this.propagate.close();
  }

  update(topics: Set<Topic>): void {
    const { history, selected, frame } = this.store.state;
    setAttribute(this.clear, "disabled", this.store.promptsOf(selected, frame) === undefined);
    if (ofFramesOnly(topics)) return;
    offer(this.undo, "Undo", history.undo, "Ctrl+Z");
    offer(this.redo, "Redo", history.redo, "Ctrl+Shift+Z");
    this.propagate.update();
  }
}

/** A button of the history: it says what it would do, and cannot do nothing. */
function offer(button: HTMLButtonElement, word: string, what: string, key: string): void {
  setAttribute(button, "disabled", what === "");
  if (what) setTip(button, `${word}: ${what}`, key);
  else setTip(button, `Nothing to ${word.toLowerCase()}`);
}
