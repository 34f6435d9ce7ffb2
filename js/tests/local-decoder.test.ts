/** Masks that the page decodes itself are shown ahead of the kernel's, which has the last word. */

import { beforeEach, expect, it } from "vitest";
import { Client } from "../src/kernel/client";
import type { HoverPlace } from "../src/kernel/hovering";
import type { SentRequest } from "../src/kernel/protocol";
import { Store } from "../src/state/store";
import { FakeHost, viewState } from "./fake-host";

const RUNS = Uint32Array.of(4, 2, 26);
const place = (x: number): HoverPlace => ({ frame: 0, object: 1, x, y: 1.5 });

let host: FakeHost;
let store: Store;
let client: Client;
let decoded: [HoverPlace, number][];

beforeEach(() => {
  host = new FakeHost();
  store = new Store(viewState(host));
  client = new Client(host, store);
  decoded = [];
  client.hovering.local = {
    receive: () => {},
    decode: (at, label) => decoded.push([at, label]),
    close: () => {},
  };
});

function answerByKernel(n: number): void {
  const { view, id } = host.of("hover").at(n) as SentRequest;
  const message = { type: "preview", reply_to: { view, id }, frame: 0, iou: 0.5 };
  host.receive(message, [Uint32Array.of(0, 32).buffer]);
}

it("shows what the page decoded until the kernel's answer for the place is there", () => {
  client.hovering.over(place(1), 0.1);
  expect(decoded).toMatchObject([[place(1), 1]]);
  client.hovering.answer(place(1), 0.9, RUNS);
  expect(store.state.preview).toMatchObject({ ...place(1), iou: 0.9, local: true });
  answerByKernel(0);
  expect(store.state.preview).toMatchObject({ ...place(1), iou: 0.5 });
  expect(store.state.preview?.local).toBeUndefined();
  client.hovering.answer(place(1), 0.9, RUNS); // too late
  expect(store.state.preview?.iou).toBe(0.5);
});

it("keeps what is of the place where the pointer is by now", () => {
  client.hovering.over(place(1), 0.1);
  client.hovering.over(place(3), 0.1);
  client.hovering.answer(place(1), 0.8, RUNS); // of where it was
  expect(store.state.preview).toBeNull();
  client.hovering.answer(place(3), 0.9, RUNS);
  answerByKernel(0); // of where it was
  expect(store.state.preview).toMatchObject({ ...place(3), local: true });
  answerByKernel(1); // the kernel was asked about the new place, too
  expect(store.state.preview).toMatchObject({ ...place(3), iou: 0.5 });
});

it("shows the mask of a click until the kernel is through with it", () => {
  const id = client.prompt({ type: "click", ...place(2), label: 0 });
  expect(decoded.at(-1)).toMatchObject([place(2), 0]);
  client.hovering.answer(place(2), 0.9, RUNS);
  expect(store.state.preview).toMatchObject({ ...place(2), local: true });
  host.receive({ type: "done", reply_to: { view: client.view, id } });
  expect(store.state.preview).toBeNull();
  client.hovering.answer(place(2), 0.9, RUNS); // too late
  expect(store.state.preview).toBeNull();
});
