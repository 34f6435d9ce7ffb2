/** An error's sentence, over the picture, until it is dismissed or the next request is made. */

import type { Store } from "../state/store";
import { h, icon, iconButton, setText } from "../ui/dom";

export class Notice {
  /** Always there, so that screen readers notice when it is filled. */
  readonly element: HTMLElement;
  private readonly text = h("span");
  /** The kernel's lasting error that has been dismissed. */
  private dismissed = "";

  constructor(private readonly store: Store) {
    this.element = h(
      "div.error",
      { role: "alert" },
      icon("alert"),
      this.text,
      iconButton("remove", "Dismiss", () => {
        this.dismissed = this.lasting;
        store.set("error", null);
        store.touch("error");
      }),
    );
  }

  update(): void {
    const lasting = this.lasting === this.dismissed ? "" : this.lasting;
    const text = this.store.state.error ?? lasting;
    this.element.hidden = text === "";
    setText(this.text, text);
  }

  private get lasting(): string {
    const { status } = this.store.state;
    return status.state === "error" ? status.message : "";
  }
}
