/** One view of the widget, assembled. */

import { Client, type Host } from "./client";
import { h, iconButton } from "./dom";
import { handleKey } from "./keyboard";
import { ObjectList } from "./objects";
import { Stage } from "./stage/stage";
import type { State } from "./store";
import { Store } from "./store";
import { Timeline } from "./timeline";
import { Toolbar } from "./toolbar";

/** Traits of the kernel's widget, read and written by the view. */
export type Traits = Pick<State, "video" | "objects" | "selected" | "frame" | "status">;

export interface ViewHost extends Host {
  traits(): Traits;
  onTraits(listener: () => void): () => void;
  setTrait(name: "frame" | "selected", value: number): void;
}

/** Fill `element` with a view; the result takes it down again. */
export function mount(element: HTMLElement, host: ViewHost): () => void {
  const store = new Store({
    ...host.traits(),
    tool: "positive",
    follow: true,
    progress: null,
    error: null,
    pending: [],
  });
  const client = new Client(host, store);
  const root = h("div", { class: "sam2widget", "data-lm-suppress-shortcuts": "true" });
  const select = (object: number) => store.set("selected", object);
  const stage = new Stage(root, store, client);
  const timeline = new Timeline(store, client);
  const toolbar = new Toolbar(store, client);
  const objects = new ObjectList(store, client, select);
  const status = h("span", { role: "status", "aria-live": "polite", class: "s2w-status" });
  const model = h("span", { class: "s2w-model" });
  const errorText = h("span");
  const error = h(
    "div",
    { role: "alert", class: "s2w-error" },
    errorText,
    iconButton("remove", "Dismiss", () => store.set("error", null)),
  );
  root.append(
    toolbar.element,
    h("div", { class: "s2w-main" }, stage.element, objects.element),
    error,
    timeline.element,
    h("div", { class: "s2w-foot" }, status, model),
  );

  const parts = [stage, timeline, toolbar, objects];
  const update = (topics: Parameters<Stage["update"]>[0]) => {
    const { state } = store;
    if (topics.has("frame")) host.setTrait("frame", state.frame);
    if (topics.has("selected")) host.setTrait("selected", state.selected);
    for (const part of parts) part.update(topics);
    root.dataset.state = state.status.state;
    root.dataset.frame = String(state.frame);
    root.dataset.objects = String(state.objects.length);
    status.textContent = state.status.message;
    model.textContent = [state.status.model, state.status.device].filter(Boolean).join(" · ");
    errorText.textContent = state.error ?? "";
    error.hidden = state.error === null;
  };
  root.dataset.masksDrawn = "0";
  root.dataset.promptsDrawn = "0";
  const unsubscribe = store.subscribe(update);
  const unlistenTraits = host.onTraits(() => {
    const traits = host.traits();
    const moved = traits.frame !== store.state.frame;
    for (const name of ["video", "objects", "selected", "status"] as const)
      store.set(name, traits[name]);
    if (moved) client.goTo(traits.frame);
  });

  root.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    const typing = target instanceof HTMLInputElement && target.type === "text";
    if (typing) {
      event.stopPropagation(); // the notebook must not take letters for commands
      return;
    }
    const actions = {
      goTo: (frame: number) => timeline.userGoesTo(frame),
      select,
      cancelGesture: () => stage.cancelGesture(),
    };
    if (handleKey(event, store, client, actions)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });

  element.append(root);
  update(new Set(["video", "objects", "selected", "masks", "timeline"]));
  client.hello();
  const visibility = new IntersectionObserver((entries) => {
    const visible = entries.some((entry) => entry.isIntersecting);
    client.send({ type: "visible", visible });
    if (visible) client.refresh();
  });
  visibility.observe(root);

  return () => {
    client.send({ type: "visible", visible: false });
    visibility.disconnect();
    unsubscribe();
    unlistenTraits();
    client.close();
    stage.close();
    root.remove();
  };
}
