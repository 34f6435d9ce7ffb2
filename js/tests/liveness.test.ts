import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../src/kernel/client";
import { watchKernel } from "../src/kernel/jupyter-kernel";
import type { KernelWatch } from "../src/kernel/liveness";
import type { SavingState } from "../src/kernel/protocol";
import { Disconnected } from "../src/panels/disconnected";
import { Store } from "../src/state/store";
import { FakeHost, viewState } from "./fake-host";

class Watch implements KernelWatch {
  now: ReturnType<KernelWatch["state"]> = null;
  private listener = () => {};
  state = () => this.now;
  onChange(listener: () => void): () => void {
    this.listener = listener;
    return () => {};
  }
  reachable = true;
  reaches = async () => this.reachable;
  become(state: ReturnType<KernelWatch["state"]>): void {
    this.now = state;
    this.listener();
  }
}

class WatchedHost extends FakeHost {
  constructor(readonly kernel?: KernelWatch) {
    super();
  }
}

let host: WatchedHost;
let store: Store;
let client: Client;
let watch: Watch;

function connect(kernel?: KernelWatch): void {
  host = new WatchedHost(kernel);
  store = new Store(viewState(host));
  client = new Client(host, store);
}

/** The kernel speaks once a second. */
function speak(seconds: number, pausing = false): void {
  for (let i = 0; i < seconds; i++) {
    vi.advanceTimersByTime(1000);
    host.receive({ type: "alive", pausing });
  }
}

function tellSaved(state: SavingState): void {
  host.receive({ type: "saved", state, path: state === "off" ? "" : "/a.zip", ago_s: null });
}

beforeEach(() => {
  vi.useFakeTimers();
  watch = new Watch();
});
afterEach(() => {
  client.close();
  vi.useRealTimers();
});

describe("a kernel that the host watches", () => {
  beforeEach(() => connect(watch));

  it("is gone as soon as it is restarted, for good", () => {
    tellSaved("saved");
    speak(1);
    watch.become("restarted");
    expect(store.state.lost).toEqual({ why: "restarted", saved: true });
    watch.become("restarted");
    host.receive({ type: "alive", pausing: false }); // was still on its way
    expect(store.state.lost?.why).toBe("restarted");
  });

  it("is not gone while a cell blocks all of its threads", async () => {
    speak(10);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.state.lost).toBeNull();
    expect(store.state.speaks).toBe(true);
  });

  it("is out of reach where it is silent and so is its server", async () => {
    speak(10);
    watch.reachable = false;
    await vi.advanceTimersByTimeAsync(1500);
    expect(store.state.lost).toBeNull();
    await vi.advanceTimersByTimeAsync(250);
    expect(store.state.lost?.why).toBe("silent");
    speak(1);
    expect(store.state.lost).toBeNull();
  });

  it("is back when the connection is, and answers", () => {
    speak(1);
    watch.become("unreachable");
    expect(store.state.lost?.why).toBe("unreachable");
    host.sent = [];
    watch.become(null);
    expect(store.state.lost?.why).toBe("silent");
    expect(host.of("hello")).toHaveLength(1);
    host.receive({ type: "welcome", reply_to: { view: client.view, id: 1 }, protocol: 2 });
    expect(store.state.lost).toBeNull();
  });
});

describe("a kernel that only speaks for itself", () => {
  beforeEach(() => connect());

  it("is gone when it falls silent, and back when it speaks", () => {
    speak(10);
    vi.advanceTimersByTime(2250);
    expect(store.state.lost).toBeNull();
    vi.advanceTimersByTime(600);
    expect(store.state.lost?.why).toBe("silent");
    host.sent = [];
    speak(1);
    expect(store.state.lost).toBeNull();
    expect(host.of("hello")).toHaveLength(1);
  });

  it("may be silent before it has spoken, where it says so, and while a model loads", () => {
    vi.advanceTimersByTime(60_000);
    expect(store.state.lost).toBeNull();
    speak(10);
    speak(1, true);
    vi.advanceTimersByTime(60_000);
    expect(store.state.lost).toBeNull();
    speak(10);
    store.set("status", { ...store.state.status, state: "loading" });
    vi.advanceTimersByTime(15_000);
    expect(store.state.lost).toBeNull();
  });

  it("may be silent to a view that is out of sight", () => {
    speak(10);
    client.setVisible(false);
    vi.advanceTimersByTime(60_000);
    expect(store.state.lost).toBeNull();
    client.setVisible(true);
    vi.advanceTimersByTime(5000);
    expect(store.state.lost).toBeNull();
  });

  it("hears of the view now and then", () => {
    host.sent = [];
    speak(61);
    expect(host.of("ping").length).toBeGreaterThanOrEqual(2);
    expect(host.of("ping").length).toBeLessThanOrEqual(3);
  });
});

describe("what is said of the work", () => {
  const said = () => {
    const panel = new Disconnected(store);
    panel.update();
    return panel.element.textContent;
  };
  beforeEach(() => connect(watch));

  it("is that it is saved, if it is", () => {
    tellSaved("saved");
    speak(2);
    watch.become("dead");
    expect(said()).toMatch(/kernel has ended.*Your work is saved\. Run the cell again/);
    document.body.dataset.voila = "voila"; // a page without cells
    expect(said()).toMatch(/Your work is saved\. Reload the page to go on where you were/);
    delete document.body.dataset.voila;
  });

  it("is that the last edits may not be, where they are not written yet", () => {
    for (const state of ["unsaved", "failed"] as const) {
      client.close();
      connect(watch);
      watch.become(null);
      tellSaved(state);
      speak(2);
      watch.become("dead");
      expect(said()).toMatch(/the last edits may not be/);
    }
  });

  it("is that the last edits may not be, where one has just been made", () => {
    tellSaved("saved");
    speak(2);
    client.ask({ type: "undo" });
    watch.become("dead");
    expect(said()).toMatch(/the last edits may not be/);
  });

  it("is that they may not be, though the kernel spoke a moment after", () => {
    tellSaved("saved");
    speak(2);
    client.ask({ type: "undo" });
    vi.advanceTimersByTime(300);
    host.receive({ type: "alive", pausing: false });
    watch.become("dead");
    expect(store.state.lost?.saved).toBe(false);
  });

  it("is that it is saved, where what was asked for is done and the kernel said so", () => {
    tellSaved("saved");
    client.ask({ type: "undo" });
    expect(store.isSaved).toBe(false);
    speak(2);
    watch.become("dead");
    expect(store.state.lost?.saved).toBe(true);
  });

  it("is that nothing is, where autosave is off", () => {
    tellSaved("off");
    speak(2);
    watch.become("dead");
    expect(said()).toMatch(/Nothing is saved by itself/);
  });
});

describe("Jupyter's own word", () => {
  const signal = () => {
    const slots = new Set<() => void>();
    return {
      connect: (slot: () => void) => slots.add(slot),
      disconnect: (slot: () => void) => slots.delete(slot),
      emit: () => {
        for (const slot of slots) slot();
      },
    };
  };
  const make = () => ({
    ...{ status: "idle", connectionStatus: "connected", isDisposed: false },
    ...{ statusChanged: signal(), connectionStatusChanged: signal(), disposed: signal() },
  });

  it("is that a kernel that was restarted by itself or by a person is another one", () => {
    for (const status of ["restarting", "autorestarting"]) {
      const kernel = make();
      const watched = watchKernel({ kernel });
      const heard: unknown[] = [];
      watched?.onChange(() => heard.push(watched.state()));
      for (const then of ["busy", status, "starting", "idle"]) {
        kernel.status = then;
        kernel.statusChanged.emit();
      }
      expect(heard).toEqual([null, "restarted", "restarted", "restarted"]);
    }
  });

  it("is that a connection that is lost can come back", () => {
    const kernel = make();
    const watched = watchKernel({ kernel });
    watched?.onChange(() => {});
    kernel.connectionStatus = "connecting";
    kernel.connectionStatusChanged.emit();
    expect(watched?.state()).toBe("unreachable");
    kernel.connectionStatus = "connected";
    expect(watched?.state()).toBeNull();
  });

  it("is that the server is reached if it says anything at all", async () => {
    const kernel = { ...make(), id: "k", serverSettings: { baseUrl: "http://lab/", token: "t" } };
    const asked = vi.fn(() => Promise.resolve(new Response("", { status: 404 })));
    vi.stubGlobal("fetch", asked);
    expect(await watchKernel({ kernel })?.reaches()).toBe(true);
    expect(asked).toHaveBeenCalledWith("http://lab/api/kernels/k", expect.anything());
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("network")));
    expect(await watchKernel({ kernel })?.reaches()).toBe(false);
    vi.unstubAllGlobals();
    expect(await watchKernel({ kernel: make() })?.reaches()).toBe(true);
  });

  it("is not asked for where there is none", () => {
    for (const manager of [undefined, {}, { kernel: null }, { kernel: { status: "idle" } }])
      expect(watchKernel(manager)).toBeUndefined();
  });
});
