/** One view of the widget, assembled. */

import { Client, type Host } from "./kernel/client";
import { Disconnected } from "./panels/disconnected";
import { rememberedDisplay } from "./panels/display";
import { Help } from "./panels/help";
import { Notice } from "./panels/notice";
import { ObjectList } from "./panels/objects";
import { Review } from "./panels/review";
import { StatusBar } from "./panels/status-bar";
import { Timeline } from "./panels/timeline";
import { Toolbar } from "./panels/toolbar";
import { Stage } from "./stage/stage";
import { viewCommands } from "./state/commands";
import { handleKey } from "./state/keys";
import { Player } from "./state/player";
import { stageState } from "./state/stage-state";
import { type State, Store, type Topic } from "./state/store";
import { Announcer } from "./ui/announcer";
import { h, iconButton } from "./ui/dom";

/** Traits of the kernel's widget, read and written by the view. */
export type Traits = Pick<
  State,
  | ("video" | "objects" | "selected" | "frame" | "status" | "history")
  | ("auto_propagate" | "clean_masks" | "non_overlapping")
>;

/** Those that the view writes. */
type Written = Pick<Traits, "frame" | "selected" | "auto_propagate" | "clean_masks">;

export interface ViewHost extends Host {
  traits(): Traits;
  /** Call `listener` when one of them, or the epoch, has changed. */
  onTraits(listener: () => void): () => void;
  setTrait<K extends keyof Written>(name: K, value: Written[K]): void;
  /** The frame that a view of this widget, this one or another, has written last. */
  frameOfViews(): number | undefined;
}

const READ_ONLY = ["video", "objects", "status", "history", "non_overlapping"] as const;

/** Fill `element` with a view; the result takes it down again. */
export function mount(element: HTMLElement, host: ViewHost): () => void {
  const store = new Store({
    ...stageState(),
    display: rememberedDisplay(),
    ...host.traits(),
    goal: null,
    lost: null,
    speaks: false,
    saved: null,
    solo: null,
    playing: false,
    speed: 1,
    loop: false,
    range: null,
    follow: true,
    progress: null,
    tracked: 0,
    error: null,
    pending: [],
  });
  const client = new Client(host, store);
  const root = h("div", { class: "sam2widget" });
  // Jupyter leaves keys to what has this itself, and not to what is in it.
  root.addEventListener("focusin", ({ target }) => {
    if (target instanceof HTMLElement) target.dataset.lmSuppressShortcuts = "true";
  });
  const select = (object: number) => store.set("selected", object);
  const player = new Player(store, client);
  const announcer = new Announcer(store);
  const stage = new Stage(root, store, client);
  const timeline = new Timeline(store, client, player, select);
  const status = new StatusBar(store);
  const toolbar = new Toolbar(store, client, stage.tools.element, stage.display.element);
  const objects = new ObjectList(store, client, select);
  const review = new Review(store, client, announcer);
  const notice = new Notice(store);
  const disconnected = new Disconnected(store);
  stage.element.append(disconnected.element);
  const help = new Help(() => commands);
  const toggleFullScreen = () => void switchFullScreen(root);
  const commands = [
    ...stage.commands,
    ...viewCommands(store, client, player, {
      goTo: (frame) => timeline.userGoesTo(frame),
      select,
      cancelGesture: () => stage.cancelGesture(),
      toggleFullScreen,
      openHelp: () => help.open(),
    }),
    ...review.commands(),
  ];
  status.element.append(
    iconButton("help", "Keys", () => help.open(), { hint: "?" }),
    iconButton("full", "Full screen", toggleFullScreen, { hint: "Shift+F" }),
  );
  root.append(
    toolbar.element,
    h("div", { class: "s2w-main" }, stage.element, objects.element),
    notice.element,
    timeline.element,
    review.element,
    status.element,
    help.element,
    announcer.element,
  );

  const parts = [
    ...[stage, timeline, toolbar, objects, review, notice, status, announcer],
    disconnected,
  ];
  const update = (topics: Set<Topic>) => {
    const { state } = store;
    for (const name of ["frame", "selected", "auto_propagate", "clean_masks"] as const)
      if (topics.has(name)) host.setTrait(name, state[name]);
    for (const part of parts) part.update(topics);
    root.dataset.state = state.lost ? "disconnected" : state.status.state;
    root.dataset.frame = String(state.frame);
    root.dataset.saved = String(state.saved);
    root.dataset.speaks = String(state.speaks);
    root.dataset.objects = String(state.objects.length);
  };
  const unsubscribe = store.subscribe(update);
  let known = host.traits();
  const unlistenTraits = host.onTraits(() => {
    const [before, now] = [known, host.traits()];
    known = now;
    client.checkEpoch();
    // Only what has changed: of the rest, the view may be ahead of the traits.
    for (const name of [...READ_ONLY, "selected", "auto_propagate", "clean_masks"] as const)
      if (now[name] !== before[name]) store.set(name, now[name]);
    if (now.frame !== before.frame && now.frame !== store.state.frame) {
      // Code goes somewhere, as a person does who drags the slider; another view may follow.
      if (now.video.live?.recording && now.frame !== host.frameOfViews())
        store.set("follow", false);
      client.goTo(now.frame);
    }
    if (now.video !== before.video) client.followLive();
  });
  root.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    const typing = target instanceof HTMLInputElement && ["text", "number"].includes(target.type);
    // A button has its own use for Enter and the space bar, a list for letters too.
    const theirs =
      (/^(Enter| )$/.test(event.key) && target instanceof HTMLButtonElement) ||
      target instanceof HTMLSelectElement;
    const ours = !typing && !theirs && (stage.handleKey(event) || handleKey(event, commands));
    if (ours) event.preventDefault();
    // The notebook has commands on letters, with which it cuts and deletes cells.
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (ours || typing || theirs || plain) event.stopPropagation();
  });

  element.append(root);
  update(new Set(["video", "objects", "selected", "masks", "timeline"]));
  client.hello();
  let visible = true; // hello says so
  const visibility = new IntersectionObserver((entries) => {
    const now = entries.at(-1)?.isIntersecting ?? false;
    if (now !== visible) client.setVisible(now);
    visible = now;
  });
  visibility.observe(root);

  return () => {
    client.send({ type: "visible", visible: false });
    visibility.disconnect();
    unsubscribe();
    unlistenTraits();
    client.close();
    player.close();
    timeline.close();
    objects.close();
    status.close();
    stage.close();
    root.remove();
  };
}

/** The whole screen, or where a page may not have it, the whole window. */
async function switchFullScreen(root: HTMLElement): Promise<void> {
  const filled = root.classList.contains("s2w-filled");
  if (document.fullscreenElement === root) await document.exitFullscreen();
  else if (filled) fill(root, false);
  else if (root.requestFullscreen) await root.requestFullscreen().catch(() => fill(root, true));
  else fill(root, true);
}

/** Fill the window: above all else, since a cell may hold in what it contains. */
function fill(root: HTMLElement, on: boolean): void {
  root.classList.toggle("s2w-filled", on);
  root.popover = on ? "manual" : null;
  if (on) root.showPopover?.();
}
