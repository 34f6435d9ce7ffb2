/** One view of the widget, assembled. */

import { Client, type Host } from "./client";
import { h } from "./dom";
import { handleKey } from "./keyboard";
import { handleKey as handleCommand } from "./keys";
import { Notice } from "./notice";
import { ObjectList } from "./objects";
import { rememberedDisplay } from "./stage/display";
import { Stage } from "./stage/stage";
import { stageState } from "./stage-state";
import { StatusBar } from "./status-bar";
import { type State, Store, type Topic } from "./store";
import { Timeline } from "./timeline";
import { Toolbar } from "./toolbar";

/** Traits of the kernel's widget, read and written by the view. */
export type Traits = Pick<State, "video" | "objects" | "selected" | "frame" | "status">;

export interface ViewHost extends Host {
  traits(): Traits;
  /** Call `listener` when one of them, or the epoch, has changed. */
  onTraits(listener: () => void): () => void;
  setTrait(name: "frame" | "selected", value: number): void;
}

/** Fill `element` with a view; the result takes it down again. */
export function mount(element: HTMLElement, host: ViewHost): () => void {
  const store = new Store({
    ...stageState(),
    display: rememberedDisplay(),
    ...host.traits(),
    solo: null,
    follow: true,
    progress: null,
    error: null,
    pending: [],
  });
  const client = new Client(host, store);
  // JupyterLab leaves keys that are pressed in here to us.
  const root = h("div", { class: "sam2widget", "data-lm-suppress-shortcuts": "true" });
  const select = (object: number) => store.set("selected", object);
  const stage = new Stage(root, store, client);
  const timeline = new Timeline(store, client, select);
  const status = new StatusBar(store);
  const toolbar = new Toolbar(store, client, stage.tools.element, stage.display.element);
  const objects = new ObjectList(store, client, select);
  const notice = new Notice(store);
  root.append(
    toolbar.element,
    h("div", { class: "s2w-main" }, stage.element, objects.element),
    notice.element,
    timeline.element,
    status.element,
  );

  const update = (topics: Set<Topic>) => {
    const { state } = store;
    if (topics.has("frame")) host.setTrait("frame", state.frame);
    if (topics.has("selected")) host.setTrait("selected", state.selected);
    for (const part of [stage, timeline, toolbar, objects, notice, status]) part.update(topics);
    root.dataset.state = state.status.state;
    root.dataset.frame = String(state.frame);
    root.dataset.objects = String(state.objects.length);
  };
  const unsubscribe = store.subscribe(update);
  let known = host.traits();
  const unlistenTraits = host.onTraits(() => {
    const [before, now] = [known, host.traits()];
    known = now;
    client.checkEpoch();
    // Only what has changed: of the rest, the view may be ahead of the traits.
    for (const name of ["video", "objects", "selected", "status"] as const)
      if (now[name] !== before[name]) store.set(name, now[name]);
    if (now.frame !== before.frame && now.frame !== store.state.frame) client.goTo(now.frame);
  });
  const actions = {
    goTo: (frame: number) => timeline.userGoesTo(frame),
    select,
    cancelGesture: () => stage.cancelGesture(),
  };
  root.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    const typing = target instanceof HTMLInputElement && target.type === "text";
    // A button has its own use for Enter and the space bar.
    const theirs = target instanceof HTMLButtonElement && /^(Enter| )$/.test(event.key);
    const ours =
      !typing &&
      !theirs &&
      (stage.handleKey(event) ||
        handleCommand(event, stage.commands) ||
        handleKey(event, store, client, actions));
    if (ours) event.preventDefault();
    if (ours || typing) event.stopPropagation(); // the notebook has commands on letters
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
    timeline.close();
    status.close();
    stage.close();
    root.remove();
  };
}
