/** The question that is asked before something accepted changes. */

import type { Client } from "../kernel/client";
import type { Question } from "../state/question";
import type { Store } from "../state/store";
import { take } from "../ui/controls";
import { focusOn, h, icon, on, setLabel, setText } from "../ui/dom";

export class QuestionBar {
  readonly element: HTMLElement;
  private readonly text = h("span.bar-text");
  private readonly yes: HTMLButtonElement;
  private readonly no: HTMLButtonElement;
  private shown: Question | null = null;

  constructor(
    private readonly store: Store,
    client: Client,
    /** Who has the keys when it is answered. */
    private readonly stage: HTMLElement,
  ) {
    const button = (run: () => void) => h("button.button", { click: run });
    this.yes = button(() => client.answer(true));
    this.no = button(() => client.answer(false));
    this.no.append(h("span", "Keep it"), h("kbd", { "aria-hidden": "true" }, "Esc"));
    setLabel(this.no, "Keep it");
    this.element = h(
      "div.question",
      { role: "alertdialog", hidden: true },
      icon("lock"),
      this.text,
      h("span.bar-actions", this.yes, this.no),
    );
    on(this.element, "keydown", (event) => {
      if (event.key !== "Escape") return;
      client.answer(false);
      take(event);
    });
  }

  update(): void {
    const { question } = this.store.state;
    if (question === this.shown) return;
    const hadFocus = this.element.contains(document.activeElement);
    this.shown = question;
    this.element.hidden = question === null;
    if (!question) {
      if (hadFocus) focusOn(this.stage);
      return;
    }
    setText(this.text, question.text);
    setText(this.yes, question.yes);
    setLabel(this.element, question.text);
    focusOn(this.no); // what does no harm is what Enter does
  }
}
