/** What a host gives is taken as hosts differ: not all give a message without buffers an empty list. */

import { afterEach, expect, it, vi } from "vitest";
import widget from "../src/index";
import type { Traits } from "../src/state/store";
import { FakeHost } from "./fake-host";

type Handler = (content?: unknown, buffers?: unknown[]) => void;

/** anywidget's model, on the host that the other tests have. */
class Model {
  readonly current = new FakeHost().current;
  readonly handlers = new Set<Handler>();

  get(name: string): unknown {
    return name === "epoch" ? 1 : this.current[name as keyof Traits];
  }
  set(): void {}
  save_changes(): void {}
  send(): void {}
  on(event: string, handler: Handler): void {
    if (event === "msg:custom") this.handlers.add(handler);
  }
  off(_: string, handler: Handler): void {
    this.handlers.delete(handler);
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([[[]], [undefined]])("a message with %s for its buffers is taken", async (buffers) => {
  const [model, el] = [new Model(), document.createElement("div")];
  document.body.append(el);
  const close = widget.render({ model, el } as never) as () => void;
  const told = { type: "error", reply_to: null, text: "The disk is full." };
  for (const handler of model.handlers) handler({ epoch: 1, ...told }, buffers);
  await vi.waitFor(() => expect(el.textContent).toContain("The disk is full."));
  close();
  el.remove();
});
