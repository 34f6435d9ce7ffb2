import { describe, expect, it } from "vitest";
import { ByteLru } from "../src/state/lru";
import { type MaskRecord, Store } from "../src/state/store";
import { FakeHost, settle, viewState } from "./fake-host";

describe("ByteLru", () => {
  it("forgets what was used longest ago, and says so", () => {
    const gone: string[] = [];
    const lru = new ByteLru<number, string>(10, (value) => gone.push(value));
    lru.set(1, "a", 4);
    lru.set(2, "b", 4);
    lru.get(1);
    lru.set(3, "c", 4);
    expect(gone).toEqual(["b"]);
    expect(lru.get(1)).toBe("a");
  });

  it("keeps the newest even when it alone is too large", () => {
    const lru = new ByteLru<number, string>(10);
    lru.set(1, "a", 4);
    lru.set(2, "b", 40);
    expect(lru.get(1)).toBeUndefined();
    expect(lru.get(2)).toBe("b");
  });
});

describe("Store", () => {
  const mask = (object: number): MaskRecord => ({
    object,
    score: 1,
    iou: 0.5,
    source: "prompt",
    state: "fresh",
    area: 1,
    runs: Uint32Array.from([0, 1]),
  });

  it("tells of all changes of one task at once", async () => {
    const store = new Store(viewState(new FakeHost()));
    const seen: string[][] = [];
    store.subscribe((topics) => seen.push([...topics].sort()));
    store.set("frame", 3);
    store.set("selected", 2);
    store.set("selected", 2);
    await settle();
    expect(seen).toEqual([["frame", "selected"]]);
  });

  it("a complete batch takes away what it does not list, another adds", () => {
    const store = new Store(viewState(new FakeHost()));
    store.putMasks(0, [mask(1), mask(2)], true);
    store.putMasks(0, [mask(3)], false);
    expect([...(store.masks.get(0)?.keys() ?? [])]).toEqual([1, 2, 3]);
    store.putMasks(0, [mask(2)], true);
    expect([...(store.masks.get(0)?.keys() ?? [])]).toEqual([2]);
  });

  it("knows which frames have masks that nobody has seen yet", () => {
    const store = new Store(viewState(new FakeHost()));
    store.putMasks(3, [], true);
    store.putMasks(4, [mask(1)], true);
    expect([...store.unpainted]).toEqual([4]);
  });

  it("an empty prompt set is none", () => {
    const store = new Store(viewState(new FakeHost()));
    const base = { type: "prompts", frame: 4, object: 1, box: null, mask: false } as const;
    store.putPrompts({ ...base, points: [[1, 2, 1]] });
    expect(store.promptsOf(1, 4)?.points).toHaveLength(1);
    store.putPrompts({ ...base, points: [] });
    expect(store.promptsOf(1, 4)).toBeUndefined();
  });
});
