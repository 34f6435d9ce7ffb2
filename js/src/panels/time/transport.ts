/** Play, speed, loop, range, and the number of the frame. */

import { markIn, markOut } from "../../state/commands";
import { type Player, SPEEDS } from "../../state/player";
import { ofFramesOnly, type Store, type Topic } from "../../state/store";
import { setAttribute, setStyle } from "../../ui/attributes";
import { h, icon, iconButton, setText } from "../../ui/dom";
import { setTip } from "../../ui/tooltip";

export class Transport {
  readonly element: HTMLElement;
  private readonly playButton: HTMLButtonElement;
  private readonly loopButton: HTMLButtonElement;
  private readonly inButton: HTMLButtonElement;
  private readonly outButton: HTMLButtonElement;
  private readonly speed: HTMLSelectElement;
  private readonly frame: HTMLInputElement;
  private readonly total = h("span", { class: "s2w-total" });
  private readonly time = h("span", { class: "s2w-timecode" });
  private readonly liveButton: HTMLButtonElement;
  private readonly live = h("span", { class: "s2w-live", role: "status" });
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
      "select",
      {
        class: "s2w-speed",
        "aria-label": "Speed",
        title: "Speed: < and >",
        change: () => player.setSpeed(Number(this.speed.value)),
      },
      ...SPEEDS.map((speed) => h("option", { value: speed }, `${speed}×`)),
    );
    this.frame = h("input", {
      type: "number",
      class: "s2w-frame-number",
      min: 0,
      "aria-label": "Frame number",
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
      "div",
      { class: "s2w-transport", role: "group", "aria-label": "Time" },
      iconButton("first", "First frame", () => goTo(0), { key: "Home" }),
      iconButton("previous", "Previous frame", step(-1), { key: "ArrowLeft" }),
      this.playButton,
      iconButton("next", "Next frame", step(1), { key: "ArrowRight" }),
      iconButton("last", "Last frame", () => goTo(store.state.video.num_frames - 1), {
        key: "End",
      }),
      h("span", { class: "s2w-place" }, this.frame, this.total, this.time),
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
    setAttribute(this.liveButton, "aria-pressed", String(follow));
    setText(this.live, video.live?.message ?? "");
    setTip(this.live, video.live?.message ?? "");
    const isVideo = video.kind !== "images";
    for (const element of this.onlyVideo) element.hidden = !isVideo;
    this.element.hidden = video.num_frames <= 1;
    if (this.playButton.getAttribute("aria-label") !== (playing ? "Pause" : "Play")) {
      this.playButton.replaceChildren(icon(playing ? "pause" : "play"));
      this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
      setTip(this.playButton, playing ? "Pause" : "Play", "Space");
    }
    setAttribute(this.loopButton, "aria-pressed", String(loop));
    for (const button of [this.inButton, this.outButton])
      setAttribute(button, "aria-pressed", String(range !== null));
    this.speed.value = String(speed);
  }

  private show(): void {
    const { video, frame } = this.store.state;
    const last = video.num_frames - 1;
    setAttribute(this.frame, "max", String(last));
    const isTyped = document.activeElement === this.frame;
    if (!isTyped && this.frame.value !== String(frame)) this.frame.value = String(frame);
    setText(this.total, `/ ${last}`);
    const clock = (at: number) =>
      video.fps > 0 && video.kind !== "images" ? timecode(at / video.fps) : "";
    setText(this.time, clock(frame));
    // As wide as what they will ever say.
    setStyle(this.element, "--s2w-digits", `${String(last).length}ch`);
    setStyle(this.element, "--s2w-time", `${clock(last).length}ch`);
  }
}

/** 0:07.25, or 1:02:03.50. */
export function timecode(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = `${two(whole % 60)}.${two(Math.floor((seconds - whole) * 100))}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
