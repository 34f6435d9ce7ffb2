/** The only file that knows anywidget. */

import type { AnyModel, Render } from "@anywidget/types";
import type { Buffer } from "./kernel/codecs";
import { watchKernel } from "./kernel/jupyter-kernel";
import type { Traits } from "./state/store";
import { mount, type ViewHost } from "./view";

type Model = Traits & { epoch: number };

const TRAITS = [
  "video",
  "objects",
  "selected",
  "frame",
  "status",
  "history",
  "auto_propagate",
  "clean_masks",
  "non_overlapping",
  "class_list",
  "current_class",
  "color_by",
] as const;

/** By widget, the frame that one of its views has written last. */
const framesOfViews = new WeakMap<object, number>();

function host(model: AnyModel<Model>): ViewHost {
  return {
    send: (message) => model.send(message),
    onMessage(listener) {
      // Of a message without any, JupyterLab gives no buffers, and other hosts nothing at all.
      const handler = (content: unknown, buffers?: Buffer[]) => listener(content, buffers ?? []);
      model.on("msg:custom", handler);
      return () => model.off("msg:custom", handler);
    },
    epoch: () => model.get("epoch"),
    kernel: watchKernel(model.widget_manager),
    traits: () => Object.fromEntries(TRAITS.map((name) => [name, model.get(name)])) as Traits,
    onTraits(listener) {
      const events = [...TRAITS, "epoch"].map((name) => `change:${name}`);
      for (const event of events) model.on(event, listener);
      return () => {
        for (const event of events) model.off(event, listener);
      };
    },
    setTrait(name, value) {
      if (name === "frame") framesOfViews.set(model, value as number);
      if (model.get(name) === value) return;
      model.set(name, value as Model[typeof name]);
      model.save_changes();
    },
    frameOfViews: () => framesOfViews.get(model),
  };
}

const render: Render<Model> = ({ model, el }) => mount(el, host(model));

export default { render };
