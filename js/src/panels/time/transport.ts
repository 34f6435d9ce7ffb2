/** Play, speed, loop, range, and the number of the frame. */

import { markIn, markOut } from "../../state/keys/commands";
import { type Player, SPEEDS } from "../../state/player";
import { ofFramesOnly, type Store, type Topic } from "../../state/store";
import { setAttribute } from "../../ui/attributes";
import { h, icon, iconButton, setLabel, setPressed, setText, setVar } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";
import { clockAt } from "./clock";

export class Transport {
  readonly element: HTMLElement;
  private readonly playButton: HTMLButtonElement;
  private readonly loopButton: HTMLButtonElement;
  private readonly inButton: HTMLButtonElement;
  private readonly outButton: HTMLButtonElement;
  private readonly speed: HTMLSelectElement;
  private readonly frame: HTMLInputElement;
  private readonly total = h("span.total");
  private readonly time = h("span.timecode");
  private readonly liveButton: HTMLButtonElement;
  private readonly live = h("span.live", { role: "status" });
  private readonly onlyVideo: HTMLElement[];

  constructor(
    private readonly store: Store,
    player: Player,
    goTo: (frame: number) => void,
    follow: (on: boolean) => void,
  ) {
    const step = (by: number) => () => goTo(store.destination + by);
    this.playButton = iconButton("play", "Play", () => player.toggle(), { key: "Space" });
    this.loopButton = iconButton("loop", "Loop", () => store.set("loop", !store.state.loop), {
      key: "L",
    });
    this.inButton = iconButton("markIn", "Range begins here", () => markIn(store), { key: "I" });
    this.outButton = iconButton("markOut", "Range ends here", () => markOut(store), {
      ...{ hint: "X takes the range away", key: "O" },
    });
    this.speed = h(
      "select.speed",
      {
        label: "Speed",
        title: "Speed: < and >",
        change: () => player.setSpeed(Number(this.speed.value)),
      },
      ...SPEEDS.map((speed) => h("option", { value: speed }, `${speed}×`)),
    );
    this.frame = h("input.frame-number", {
      type: "number",
      min: 0,
      label: "Frame number",
      change: () => {
        const frame = Number(this.frame.value);
        if (this.frame.value !== "" && Number.isFinite(frame)) goTo(frame);
        else this.show();
      },
      keydown: (event: KeyboardEvent) => {
        event.stopPropagation();
        if (event.key === "Enter" || event.key === "Escape") this.frame.blur();
      },
    });
    this.liveButton = iconButton(
      "live",
      "Follow the newest frame",
      () => follow(!store.state.follow),
      {
        text: "Live",
        key: "F",
      },
    );
    this.onlyVideo = [this.playButton, this.loopButton, this.speed, this.inButton, this.outButton];
    this.element = h(
      "div.transport",
      { group: "Time" },
      iconButton("first", "First frame", () => goTo(0), { key: "Home" }),
      iconButton("previous", "Previous frame", step(-1), { key: "ArrowLeft" }),
      this.playButton,
      iconButton("next", "Next frame", step(1), { key: "ArrowRight" }),
      iconButton("last", "Last frame", () => goTo(store.state.video.num_frames - 1), {
        key: "End",
      }),
      h("span.place", this.frame, this.total, this.time),
      this.liveButton,
      this.live,
      this.speed,
      this.loopButton,
      this.inButton,
      this.outButton,
    );
  }

  update(topics: Set<Topic>): void {
    this.show();
    if (ofFramesOnly(topics)) return;
    const { video, playing, loop, range, speed, follow } = this.store.state;
    this.liveButton.hidden = !video.live?.recording;
    setPressed(this.liveButton, follow);
    setText(this.live, video.live?.message ?? "");
    setTip(this.live, video.live?.message ?? "");
    const isVideo = video.kind !== "images";
    for (const element of this.onlyVideo) element.hidden = !isVideo;
    this.element.hidden = video.num_frames <= 1;
    if (this.playButton.getAttribute("aria-label") !== (playing ? "Pause" : "Play")) {
      this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
      setLabel(this.playButton, playing ? "Pause" : "Play");
      setTip(this.playButton, playing ? "Pause" : "Play", "Space");
    }
    setPressed(this.loopButton, loop);
    for (const button of [this.inButton, this.outButton]) setPressed(button, range !== null);
    this.speed.value = String(speed);
  }

  private show(): void {
    const { video, frame } = this.store.state;
    const last = video.num_frames - 1;
    setAttribute(this.frame, "max", String(last));
    const isTyped = document.activeElement === this.frame;
    if (!isTyped && this.frame.value !== String(frame)) this.frame.value = String(frame);
    setText(this.total, `/ ${last}`);
    setText(this.time, clockAt(video, frame));
    // As wide as what they will ever say.
    setVar(this.element, "digits", `${String(last).length}ch`);
    setVar(this.element, "time", `${clockAt(video, last).length}ch`);
  }
}
