/** One view of the widget, assembled. */

import { Client, type Host } from "./kernel/client";
import { Disconnected } from "./panels/disconnected";
import { rememberedDisplay } from "./panels/display";
import { FirstLook } from "./panels/first-look";
import { Help } from "./panels/help";
import { ModelMenu } from "./panels/model-menu";
import { NextStepLine } from "./panels/next-step";
import { Notice } from "./panels/notice";
import { ObjectTable } from "./panels/objects/table";
import { EffectChip } from "./panels/results/effect-chip";
import { ResultsMenu } from "./panels/results/menu";
import { SavedState } from "./panels/results/saved";
import { Review } from "./panels/review";
import { StatusBar } from "./panels/status-bar";
import { Timeline } from "./panels/time/timeline";
import { Toolbar } from "./panels/toolbar";
import { Stage } from "./stage/stage";
import { colored } from "./state/classes";
import { FrameWriter } from "./state/frame-writer";
import { isPropagating, viewCommands } from "./state/keys/commands";
import { escapeCommands } from "./state/keys/escape";
import { handleKey, keepsKey } from "./state/keys/keys";
import { Player } from "./state/player";
import { newState, ofFramesOnly, Store, type Topic, type Traits } from "./state/store";
import { Announcer } from "./ui/announcer";
import { setAttribute } from "./ui/attributes";
import { h, iconButton, on } from "./ui/dom";
import { HoverLight } from "./ui/hover-light";
import { Tooltip } from "./ui/tooltip";

/** Those that the view writes. */
type Written = Pick<Traits, (typeof WRITTEN)[number]>;

export interface ViewHost extends Host {
  traits(): Traits;
  /** Call `listener` when one of them, or the epoch, has changed. */
  onTraits(listener: () => void): () => void;
  setTrait<K extends keyof Written>(name: K, value: Written[K]): void;
  /** The frame that a view of this widget, this one or another, has written last. */
  frameOfViews(): number | undefined;
}

const WRITTEN = [
  ...(["frame", "selected", "auto_propagate", "clean_masks"] as const),
  ...(["current_class", "color_by"] as const),
] as const;
const READ_ONLY = ["video", "class_list", "status", "history", "non_overlapping"] as const;

/** Fill `element` with a view; the result takes it down again. */
export function mount(element: HTMLElement, host: ViewHost): () => void {
  const store = new Store({ ...newState(host.traits()), display: rememberedDisplay() });
  const client = new Client(host, store);
  const root = h("div", { class: "sam2widget" });
  // Jupyter leaves keys to what has this itself, and not to what is in it.
  on(root, "focusin", ({ target }) => {
    if (target instanceof HTMLElement) target.dataset.lmSuppressShortcuts = "true";
  });
  const select = (object: number) => store.set("selected", object);
  const player = new Player(store, client);
  const announcer = new Announcer(store);
  const tooltip = new Tooltip(root);
  const stage = new Stage(root, store, client, (text) => announcer.say(text));
  const timeline = new Timeline(store, client, player);
  const status = new StatusBar(store, new ModelMenu(store, client));
  const next = new NextStepLine(store, client);
  const first = new FirstLook(store, stage.screen);
  const toolbar = new Toolbar(store, client, stage.tools.element, stage.display.element);
  const objects = new ObjectTable(store, client, timeline, select);
  const review = new Review(store, client, announcer);
  const notice = new Notice(store);
  const disconnected = new Disconnected(store);
  const results = new ResultsMenu(store, client.results);
  const saved = new SavedState(store);
  const chip = new EffectChip(store);
  toolbar.add(results.element);
  stage.element.append(chip.element, disconnected.element);
  const help = new Help(() => commands);
  const toggleFullScreen = () => void switchFullScreen(root);
  const commands = [
    ...escapeCommands([
      {
        label: "Stop propagating",
        enabled: () => isPropagating(store.state),
        run: () => client.ask({ type: "stop" }),
      },
      {
        label: "Leave what is being drawn or chosen",
        enabled: () => stage.busy,
        run: () => stage.cancelGesture(),
      },
      {
        label: "Leave everything mode",
        enabled: () => store.state.tool === "everything",
        run: () => store.set("tool", "positive"),
      },
      {
        label: "Leave the whole window",
        enabled: () => root.classList.contains("s2w-filled"),
        run: toggleFullScreen,
      },
    ]),
    ...stage.commands,
    ...viewCommands(store, client, player, {
      goTo: (frame) => timeline.userGoesTo(frame),
      select,
      toggleFullScreen,
      openHelp: () => help.open(),
    }),
    ...timeline.commands(),
    ...objects.commands(),
    ...review.commands(),
  ];
  status.element.append(
    saved.element,
    iconButton("help", "Keys", () => help.open(), { key: "?" }),
    iconButton("full", "Full screen", toggleFullScreen, { key: "Shift+F" }),
  );
  root.append(
    toolbar.element,
    h("div.main", stage.element, notice.element),
    h("div.controls", timeline.transport.element, review.element),
    objects.element,
    next.element,
    status.element,
    help.element,
    announcer.element,
    timeline.card.element,
    tooltip.element,
  );

  const recolor = () => {
    const { class_list, color_by } = store.state;
    store.set("objects", colored(host.traits().objects, class_list, color_by));
  };
  const light = new HoverLight(root, store);
  const frameWriter = new FrameWriter(store, (frame) => host.setTrait("frame", frame));
  const showFrame = [stage, timeline, toolbar, objects, review, first, results];
  const showRest = [
    ...[light, notice, status, announcer, next, tooltip, saved, chip, disconnected],
  ];
  const update = (topics: Set<Topic>) => {
    const { state } = store;
    frameWriter.update(topics);
    for (const name of WRITTEN)
      if (name !== "frame" && topics.has(name)) host.setTrait(name, state[name]);
    if (topics.has("color_by")) recolor();
    for (const part of showFrame) part.update(topics);
    setAttribute(root, "data-frame", String(state.frame));
    // What says the next step, say, goes through all there is of all frames.
    if (store.moving && ofFramesOnly(topics)) return;
    for (const part of showRest) part.update(topics);
    setAttribute(root, "data-state", state.lost ? "disconnected" : state.status.state);
    setAttribute(root, "data-saved", String(store.isSaved));
    setAttribute(root, "data-speaks", String(state.speaks));
    setAttribute(root, "data-objects", String(state.objects.length));
  };
  const unsubscribe = store.subscribe(update);
  let known = host.traits();
  const unlistenTraits = host.onTraits(() => {
    const [before, now] = [known, host.traits()];
    known = now;
    client.checkEpoch();
    // Only what has changed: of the rest, the view may be ahead of the traits.
    for (const name of [...READ_ONLY, ...WRITTEN] as const)
      if (name !== "frame" && now[name] !== before[name]) store.set(name, now[name]);
    if (now.objects !== before.objects || now.class_list !== before.class_list) recolor();
    if (now.frame !== before.frame && now.frame !== store.state.frame) {
      // Code goes somewhere, as a person does who drags the slider; another view may follow.
      if (now.video.live?.recording && now.frame !== host.frameOfViews())
        store.set("follow", false);
      client.goTo(now.frame);
    }
    if (now.video !== before.video) client.followLive();
  });
  on(root, "keydown", (event) => {
    const target = event.target as HTMLElement;
    const theirs = keepsKey(target, event.key);
    const ours = !theirs && (stage.handleKey(event) || handleKey(event, commands));
    if (ours) event.preventDefault();
    // The notebook has commands on letters, with which it cuts and deletes cells.
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (ours || theirs || plain) event.stopPropagation();
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
    frameWriter.close();
    client.send({ type: "visible", visible: false });
    visibility.disconnect();
    unsubscribe();
    unlistenTraits();
    for (const part of [
      ...[client, player, timeline, toolbar, tooltip, objects],
      ...[status, saved, results, next, first, stage],
    ])
      part.close();
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
