/** One line that always says the next sensible step, or what goes on: a model being fetched. */

import type { Client } from "../kernel/client";
import { type Action, type NextStep, nextStep } from "../state/next-step/next-step";
import { situationOf } from "../state/next-step/situation";
import type { Store } from "../state/store";
import { h, iconButton, setText } from "../ui/dom";
import { megabytes, timeLeft } from "../ui/durations";
import { tipWhereCut } from "../ui/tooltip";

export class NextStepLine {
  readonly element: HTMLElement;
  private readonly text = h("span.next-text", { "aria-live": "polite" });
  private readonly clock = h("span.next-clock");
  private readonly bar = h("progress", { max: 1, label: "Download of the model" });
  private readonly action = h("button.link", {
    ...{ hidden: true },
    click: () => this.act(),
  });
  private readonly cancel = h(
    "button.link",
    {
      ...{ hidden: true, label: "Cancel the model" },
      click: () => this.client.send({ type: "cancel_model" }),
    },
    "Cancel",
  );
  private readonly dismiss = iconButton("remove", "Not now", () => {
    this.offered = "over";
    this.update();
  });
  private shown: Action | undefined;
  /** A better model is offered once, as long as the mask is what it is. */
  private offered: "not yet" | "now" | "over" = "not yet";
  private loadingSince = 0;
  private ticking = 0;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
  ) {
    this.element = h(
      "div.next",
      { group: "Next step" },
      ...[this.text, this.clock, this.bar, this.action, this.cancel, this.dismiss],
    );
    tipWhereCut(this.text);
  }

  close(): void {
    window.clearInterval(this.ticking);
  }

  update(): void {
    const { status, lost } = this.store.state;
    const { download, switching } = status;
    const loading = !lost && (status.state === "loading" || Boolean(switching));
    this.tick(loading);
    this.bar.hidden = !loading || !download?.total_bytes;
    this.cancel.hidden = !loading || !(switching || download);
    this.clock.hidden = !loading;
    if (download) this.bar.value = download.done_bytes / Math.max(1, download.total_bytes);
    const step = loading ? { text: this.loadingText() } : this.step();
    setText(this.text, step.text);
    this.shown = step.action;
    this.action.hidden = !step.action;
    setText(this.action, step.label ?? "");
    this.dismiss.hidden = step.action !== "better";
  }

  private step(): NextStep {
    const situation = situationOf(this.store);
    if (situation.offer && this.offered === "not yet") this.offered = "now";
    if (!situation.offer && this.offered === "now") this.offered = "over";
    if (this.offered === "over") situation.offer = null;
    return nextStep(situation);
  }

  private loadingText(): string {
    const { status } = this.store.state;
    const { download, switching } = status;
    if (download?.total_bytes) {
      const left = download.eta_s > 0 ? ` · ${timeLeft(download.eta_s)} left` : "";
      const done = `${megabytes(download.done_bytes)} of ${megabytes(download.total_bytes)}`;
      return `Downloading ${switching || modelIn(status.message)}: ${done}${left}`;
    }
    if (switching) return `Loading ${switching}; ${status.model} goes on meanwhile`;
    return status.message || "Loading the model";
  }

  /** Count the seconds of what gives no other sign of life. */
  private tick(on: boolean): void {
    if (on === this.ticking > 0) return;
    if (on) {
      this.loadingSince = performance.now();
      this.ticking = window.setInterval(() => this.showSeconds(), 1000);
      this.showSeconds();
    } else {
      window.clearInterval(this.ticking);
      this.ticking = 0;
    }
  }

  private showSeconds(): void {
    const seconds = Math.floor((performance.now() - this.loadingSince) / 1000);
    setText(this.clock, seconds > 0 ? `${seconds} s` : "");
  }

  private act(): void {
    const { note_model } = this.store.state.status;
    if (this.shown === "continue") this.client.continuePropagation();
    if (this.shown === "review") {
      this.store.set("follow", false);
      this.client.ask({ type: "next_unreviewed" });
    }
    if (this.shown === "better" && note_model) {
      this.offered = "over";
      this.client.ask({ type: "set_model", model: note_model });
      this.update();
    }
  }
}

/** The model in "Loading SAM 2.1 tiny". */
function modelIn(message: string): string {
  return message.startsWith("Loading ") ? message.slice("Loading ".length) : "the model";
}
