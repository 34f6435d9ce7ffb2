import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ExportRequest, SentRequest } from "../src/kernel/protocol";
import { age } from "../src/panels/results/saved";
import { blur, blurColors, boxRadius } from "../src/stage/draw/box-blur";
import { tipOf } from "../src/ui/tooltip";
import { settle } from "./fake-host";
import { Mounted } from "./mounted";

let page: Mounted;
let saved: [Blob, string][];

beforeEach(() => {
  vi.useFakeTimers();
  saved = [];
  let given = new Blob();
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    given = blob as Blob;
    return "blob:here";
  });
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (
    this: HTMLAnchorElement,
  ) {
    saved.push([given, this.download]);
  });
  page = new Mounted();
});
afterEach(() => {
  page.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const find = <T extends HTMLElement>(selector: string) => page.element.querySelector(selector) as T;
const button = (text: string) =>
  [...page.element.querySelectorAll<HTMLButtonElement>(".s2w-results button")].find(
    (one) => one.textContent === text,
  ) as HTMLButtonElement;
const last = (type: SentRequest["type"]) => page.host.of(type).at(-1) as SentRequest;
const replyTo = (request: SentRequest) => ({ view: request.view, id: request.id });
const FORMATS = [
  {
    ...{ name: "mp4", description: "a movie", file: "clip-overlay.mp4", effects: true },
    options: [{ name: "crf", description: "quality", kind: "number", default: "20", choices: [] }],
  },
  {
    ...{ name: "coco", description: "one JSON", file: "clip-masks.json", effects: false },
    options: [
      { name: "frames", description: "too", kind: "flag", default: "false", choices: [] },
      {
        name: "outline",
        description: "how",
        kind: "choice",
        default: "rle",
        choices: ["rle", "p"],
      },
    ],
  },
];

async function open(): Promise<void> {
  page.button("Results").click();
  const reply_to = replyTo(last("open_results"));
  page.host.receive({ type: "formats", reply_to, folder: "/home/me", formats: FORMATS });
  await settle();
}

async function exportTo(path: string, download = false): Promise<SentRequest> {
  find<HTMLInputElement>(".s2w-path").value = path;
  button(download ? "Download" : "Export").click();
  await settle();
  return last("export");
}

describe("the menu of results", () => {
  it("asks for formats when it is opened, and suggests a place in full", async () => {
    await open();
    const options = [...find<HTMLSelectElement>('[aria-label="Format"]').options];
    expect(options.map(({ value }) => value)).toEqual(["mp4", "coco"]);
    expect(find<HTMLInputElement>(".s2w-path").value).toBe("/home/me/clip-overlay.mp4");
    page.button("Results").click();
    expect(find(".s2w-results").hidden).toBe(true);
  });

  it("sends what was chosen, and of the options what is not the default", async () => {
    await open();
    const format = find<HTMLSelectElement>('[aria-label="Format"]');
    format.value = "coco";
    format.dispatchEvent(new Event("change"));
    find<HTMLInputElement>('.s2w-options [aria-label="frames"]').checked = true;
    const sent = (await exportTo("/data/x.json")) as ExportRequest;
    expect(sent).toMatchObject({ format: "coco", path: "/data/x.json", replace: false });
    expect(sent.options).toEqual([{ name: "frames", value: "true" }]);
  });

  it("writes the effect that is shown", async () => {
    await open();
    const effect = find<HTMLSelectElement>('[aria-label="Effect"]');
    effect.value = "blur";
    effect.dispatchEvent(new Event("change"));
    await settle();
    expect(find<HTMLInputElement>(".s2w-path").value).toBe("/home/me/clip-blur.mp4");
    const sent = (await exportTo("/data/x.mp4")) as ExportRequest;
    expect(sent.options).toEqual([
      { name: "effect", value: "blur" },
      { name: "strength", value: "0.5" },
    ]);
    expect(find(".s2w-chip").textContent).toContain("Blur");
    page.button("End the effect").click();
    await settle();
    expect(find(".s2w-chip").hidden).toBe(true);
  });

  it("shows progress, cancels, and says where the file is", async () => {
    await open();
    const reply_to = replyTo(await exportTo("/data/x.mp4"));
    page.host.receive({ type: "export_progress", reply_to, frame: 4, total: 20, eta_s: 0 });
    await settle();
    expect(find(".s2w-running").textContent).toContain("Frame 5 of 20");
    expect(find<HTMLProgressElement>(".s2w-running progress").value).toBeCloseTo(0.25);
    page.button("Cancel export").click();
    expect(page.host.of("cancel_export")).toHaveLength(1);
    const text = "Wrote /data/x.mp4 (1 MB).";
    page.host.receive({ type: "exported", reply_to, text, path: "/data/x.mp4", download: null });
    await settle();
    expect(find(".s2w-running").hidden).toBe(true);
    expect(find(".s2w-said").textContent).toBe(text);
  });

  it("asks before it replaces anything", async () => {
    await open();
    const reply_to = replyTo(await exportTo("/data/x.mp4"));
    const exists = { text: "There is a file /data/x.mp4 already.", other: "/data/x-2.mp4" };
    page.host.receive({ type: "export_exists", reply_to, ...exists });
    await settle();
    expect(find(".s2w-confirm").textContent).toContain(exists.text);
    button("Write x-2.mp4").click();
    expect(last("export")).toMatchObject({ path: "/data/x-2.mp4", replace: false });
    const again = replyTo(last("export"));
    page.host.receive({ type: "export_exists", reply_to: again, ...exists });
    await settle();
    button("Replace").click();
    expect(last("export")).toMatchObject({ path: "/data/x-2.mp4", replace: true });
  });

  it("shows why an export failed in its place, and nowhere else", async () => {
    await open();
    const reply_to = replyTo(await exportTo("/data/x.mp4"));
    page.host.receive({ type: "error", reply_to, text: "There is no room." });
    await settle();
    expect(find(".s2w-said").textContent).toBe("There is no room.");
    expect(find(".s2w-error").hidden).toBe(true);
  });
});

describe("a download", () => {
  const bytes = Uint8Array.from({ length: 35 }, (_, i) => i);
  const chunk = (offset: number) => bytes.slice(offset, offset + 10);

  async function begin(): Promise<void> {
    await open();
    const reply_to = replyTo(await exportTo("x.mp4", true));
    const download = { id: 7, name: "x.zip", size: bytes.length };
    page.host.receive({ type: "exported", reply_to, text: "On its way.", path: "", download });
    await settle();
  }
  const wanted = () =>
    page.host.of("want_chunk").map((one) => (one.type === "want_chunk" ? one.offset : -1));
  const receive = async (offset: number) => {
    page.host.receive({ type: "chunk", download: 7, offset }, [chunk(offset)]);
    await settle();
  };

  it("is fetched in parts, a few at a time, and saved whole in whatever order they come", async () => {
    await begin();
    expect(wanted()).toEqual([0]);
    await receive(0);
    expect(wanted()).toEqual([0, 10, 20, 30]);
    for (const offset of [30, 10]) await receive(offset);
    expect(saved).toHaveLength(0);
    await receive(20);
    const [[blob, name]] = saved as [[Blob, string]];
    expect(name).toBe("x.zip");
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([...bytes]);
    expect(page.host.of("drop_download")).toHaveLength(1);
    expect(find(".s2w-said").textContent).toContain("is in your browser's downloads");
  });

  it("asks again for a part that was lost, and takes one that comes twice once", async () => {
    await begin();
    await receive(0);
    await receive(10);
    vi.advanceTimersByTime(10_000);
    expect(wanted().slice(4)).toEqual([20, 30]);
    for (const offset of [20, 20, 30]) await receive(offset);
    expect(saved).toHaveLength(1);
    vi.advanceTimersByTime(60_000);
    expect(wanted()).toHaveLength(6);
  });

  it("ends when it is cancelled", async () => {
    await begin();
    await receive(0);
    page.button("Cancel export").click();
    await receive(10);
    expect(saved).toHaveLength(0);
    expect(page.host.of("drop_download")).toHaveLength(1);
  });

  it("ends with a sentence when it is not there any more", async () => {
    await begin();
    const text = "This download is not there any more.";
    page.host.receive({ type: "error", reply_to: replyTo(last("want_chunk")), text });
    await settle();
    expect(find(".s2w-said").textContent).toBe(text);
    expect(find(".s2w-running").hidden).toBe(true);
  });
});

describe("copies and a new start", () => {
  it("saves as a file what may not be copied, and says so", async () => {
    // As in a page that came by plain http.
    vi.spyOn(navigator, "clipboard", "get").mockReturnValue(undefined as never);
    await open();
    button("As Python").click();
    await settle();
    page.host.receive({ type: "script", reply_to: replyTo(last("write_script")), text: "w = 1\n" });
    await vi.waitFor(() => expect(saved).toHaveLength(1));
    const [[blob, name]] = saved as [[Blob, string]];
    expect([name, await blob.text()]).toEqual(["clip.py", "w = 1\n"]);
  });

  it("begins anew only when it was asked twice", async () => {
    await open();
    button("Start anew…").click();
    expect(page.host.of("start_anew")).toHaveLength(0);
    expect(find('[aria-label="Start anew?"]').textContent).toContain("Undo brings them back");
    button("Keep them").click();
    expect(find('[aria-label="Start anew?"]').hidden).toBe(true);
    button("Start anew…").click();
    button("Start anew").click();
    expect(page.host.of("start_anew")).toHaveLength(1);
  });
});

describe("what is saved", () => {
  it("is said with its age, which goes on", async () => {
    const word = () => find(".s2w-saved");
    expect(word().hidden).toBe(true);
    page.host.receive({ type: "saved", state: "unsaved", path: "/a.zip", ago_s: null });
    await settle();
    expect(word().textContent).toBe("Saving…");
    page.host.receive({ type: "saved", state: "saved", path: "/a.zip", ago_s: 0.2 });
    await settle();
    expect([word().textContent, tipOf(word())]).toEqual(["Saved just now", "In /a.zip"]);
    vi.advanceTimersByTime(5000);
    expect(word().textContent).toBe("Saved 5 s ago");
    page.host.receive({ type: "saved", state: "failed", path: "/a.zip", ago_s: 9 });
    await settle();
    expect(word().textContent).toBe("Not saved");
    page.host.receive({ type: "saved", state: "off", path: "", ago_s: null });
    await settle();
    expect(word().textContent).toBe("Not saved by itself");
  });

  it.each([
    [0, "just now"],
    [2400, "2 s ago"],
    [59_400, "59 s ago"],
    [60_000, "1 min ago"],
    [7_300_000, "2 h ago"],
    [200_000_000, "2 d ago"],
  ])("after %d ms it is %s", (ms, text) => {
    expect(age(ms)).toBe(text);
  });
});

describe("a blur", () => {
  it.each([0.8, 2, 3.7, 8])("has the standard deviation %d", (sigma) => {
    const [width, height, middle] = [101, 1, 50];
    const values = new Float32Array(4 * width);
    values[4 * middle] = 1;
    blur(values, width, height, sigma);
    const line = Array.from({ length: width }, (_, i) => values[4 * i] as number);
    const sum = line.reduce((total, value) => total + value, 0);
    const variance = line.reduce((total, value, i) => total + value * (i - middle) ** 2, 0);
    expect(sum).toBeCloseTo(1, 3);
    expect(Math.sqrt(variance / sum)).toBeCloseTo(sigma, 1);
    expect(boxRadius(sigma)).toBeGreaterThan(0);
  });

  it("keeps the colours of what is cut out away from the rest", () => {
    const [width, height] = [24, 10];
    const data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < width * height; i++) {
      const inside = i % width > 8 && i % width < 15;
      data.set(inside ? [255, 0, 0, 0] : [40, 80, 120, 255], 4 * i);
    }
    blurColors(data, width, height, 2);
    for (let i = 0; i < width * height; i++) {
      if (i % width > 8 && i % width < 15) continue;
      const [r = 0, g = 0, b = 0, a] = data.slice(4 * i, 4 * i + 4);
      expect(Math.max(Math.abs(r - 40), Math.abs(g - 80), Math.abs(b - 120))).toBeLessThan(2);
      expect(a).toBe(255);
    }
  });
});
