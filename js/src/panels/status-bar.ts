/** What goes on: a word of status, the progress of a propagation, the model. */

import type { Status } from "../kernel/traits";
import type { Store, Topic } from "../state/store";
import { h, setText } from "../ui/dom";
import { timeLeft } from "../ui/durations";
import { setTip, tipWhereCut } from "../ui/tooltip";
import type { ModelMenu } from "./model-menu";

const WORDS: Record<Status["state"], string> = {
  loading: "Loading the model",
  ready: "Ready",
  working: "Working",
  propagating: "Propagating",
  error: "Error",
};
/** What is over sooner is not worth a word. */
const WORKING_AFTER_MS = 300;
/** Letters of a message beside which there is no room for what is to be known of the model. */
const LONG_MESSAGE = 60;

export class StatusBar {
  readonly element: HTMLElement;
  private readonly status = h("span.status", {
    role: "status",
    "aria-live": "polite",
  });
  private readonly bar = h("progress", { max: 1, label: "Propagation" });
  private readonly pace = h("span.pace");
  private readonly progress = h("span.progress", this.bar, this.pace);
  private readonly note = h("span.note");
  private waiting = 0;

  constructor(
    private readonly store: Store,
    private readonly model: ModelMenu,
  ) {
    tipWhereCut(this.status);
    this.element = h(
      "div.foot",
      h("span.dot", { "aria-hidden": "true" }),
      this.status,
      this.progress,
      this.model.element,
      this.note,
    );
  }

  close(): void {
    this.model.close();
    window.clearTimeout(this.waiting);
  }

  update(topics: Set<Topic>): void {
    const { status, progress, lost } = this.store.state;
    window.clearTimeout(this.waiting);
    if (lost) setText(this.status, "Disconnected");
    else if (status.state === "working" && !status.message)
      this.waiting = window.setTimeout(() => this.say(status), WORKING_AFTER_MS);
    else this.say(status);
    this.model.update(topics);
    setText(this.note, status.note ?? "");
    setTip(this.note, status.note_details ?? "");
    this.note.hidden = !status.note || status.message.length > LONG_MESSAGE;
    this.progress.hidden = progress === null;
    if (progress) {
      this.bar.value = progress.total > 0 ? progress.done / progress.total : 0;
      this.pace.textContent = [
        `${progress.done} / ${progress.total}`,
        `${progress.fps.toFixed(progress.fps < 10 ? 1 : 0)} frames/s`,
        ...(progress.eta_s > 0 ? [`${timeLeft(progress.eta_s)} left`] : []),
      ].join(" · ");
    }
  }

  /** Screen readers read each change aloud: only real ones are made. */
  private say({ state, message }: Status): void {
    // The sentence of an error stands above the timeline.
    const text = (state === "error" ? "" : message) || WORDS[state];
    setText(this.status, text);
  }
}
