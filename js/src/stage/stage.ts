/** The stage: frame and masks on one canvas, on another above it all that moves with the pointer. */

import type { Client } from "../kernel/client";
import { DisplayControls } from "../panels/display";
import type { Command } from "../state/keys/keys";
import type { Store, Topic } from "../state/store";
import { setAttribute } from "../ui/attributes";
import { cleared } from "../ui/canvas";
import { h, setVar } from "../ui/dom";
import { CandidateStrip } from "./candidates/candidates";
import { Proposals } from "./candidates/proposals";
import { ProposalsBar } from "./candidates/proposals-bar";
import { Crosshair } from "./draw/crosshair";
import { drawEffect, objectsOf } from "./draw/effects";
import { FrameLayer } from "./draw/frame-layer";
import { drawLabels } from "./draw/label-layer";
import { drawMask, drawMasks, PROVISIONAL } from "./draw/mask-layer";
import { drawPrompts } from "./draw/prompt-layer";
import { drawRegions } from "./draw/region-layer";
import { drawStroke, type StrokeScene } from "./draw/stroke-layer";
import { Wipe } from "./draw/wipe";
import { stageCommands } from "./input/commands";
import { Lasso } from "./input/lasso";
import { Navigation } from "./input/navigation";
import { PointerInput } from "./input/pointer";
import { Prompter } from "./input/prompter";
import { Minimap } from "./minimap";
import { NameTag } from "./name-tag";
import { QuestionBar } from "./question-bar";
import { ScaleBar } from "./scale-bar";
import { Tools } from "./tools";
import type { ViewTransform } from "./view-transform";
import { Viewport } from "./viewport";

const LABEL =
  "Stage. Click to mark an object, right-click to mark what is not part of it, drag to draw a " +
  "box. A click on the mask of another object selects that; with Alt it marks. Drag a point to " +
  "move it, click it to remove it. With keys: Alt and arrows move a crosshair, Enter marks with " +
  "the tool at hand, Shift Enter marks what is not part of it, arrows change the frame, plus, " +
  "minus and zero zoom.";
/** Topics that the picture below the pointer does not depend on. */
const OVERLAY_ONLY: ReadonlySet<Topic> = new Set<Topic>([
  ...(["preview", "candidates", "prompts", "pending", "brush", "error", "status"] as const),
  ...(["progress", "timeline", "follow", "proposing", "question"] as const),
  ...(["results", "saved", "unconfirmed", "speaks"] as const),
]);
/** Topics that come many times a second, and that the controls do not depend on in a video: they
 * measure the stage, which in the middle of changes takes the browser long. */
const OFTEN: ReadonlySet<Topic> = new Set<Topic>([
  ...(["frame", "frames", "masks", "prompts", "pending", "preview"] as const),
  ...(["candidates", "progress", "timeline", "confidence", "thumbnails"] as const),
  ...(["results", "saved", "unconfirmed", "speaks"] as const),
  ...(["hoveredObject", "question"] as const),
]);
/** Topics of what comes from the kernel for frames, perhaps for others than the one shown, and of
 * where the view is going. */
const ARRIVALS: ReadonlySet<Topic> = new Set<Topic>(["frames", "masks", "thumbnails", "goal"]);
const PREVIEW_COLOR = "#ffffff";
/** Of the object that the pointer is on. */
const LIT = { color: "#ffffff", fill: 0.22, outline: 1, halo: true };

export class Stage {
  readonly element: HTMLElement;
  /** Groups for the toolbar. */
  readonly tools: Tools;
  readonly display: DisplayControls;
  readonly commands: Command[];
  readonly screen: HTMLElement;
  private readonly picture = h("canvas", { "aria-hidden": "true" });
  private readonly overlay = h("canvas", {
    ...{ "data-role": "stage", role: "application", tabindex: "0", label: LABEL },
  });
  private readonly scratch = h("canvas");
  private readonly frameLayer: FrameLayer;
  private readonly viewport: Viewport;
  private readonly prompter: Prompter;
  private readonly lasso: Lasso;
  private readonly proposals: Proposals;
  private readonly bar: ProposalsBar;
  private readonly candidates: CandidateStrip;
  private readonly wipe: Wipe;
  private readonly tag: NameTag;
  private readonly question: QuestionBar;
  private readonly scaleBar: ScaleBar;
  private readonly minimap: Minimap;
  private readonly pointer: PointerInput;
  private readonly crosshair: Crosshair;
  private readonly observer: ResizeObserver;
  private scheduled = 0;
  private pictureDue = false;
  private masksDrawn = 0;
  private overlayCleared = false;
  private painted: { frame?: number; pixels?: ImageBitmap | undefined; masks?: unknown } = {};

  constructor(
    private readonly root: HTMLElement,
    private readonly store: Store,
    private readonly client: Client,
    /** Tells those who cannot see it. */
    say: (text: string) => void,
  ) {
    const redraw = () => this.schedule(false);
    this.frameLayer = new FrameLayer(store);
    this.viewport = new Viewport(
      store,
      this.overlay,
      () => this.frameLayer.shown ?? store.state.frame,
    );
    this.prompter = new Prompter(store, client, this.viewport, say);
    this.lasso = new Lasso(this.prompter);
    this.proposals = new Proposals(store, client, this.viewport, redraw);
    this.bar = new ProposalsBar(store, this.proposals);
    this.candidates = new CandidateStrip(store, client, this.viewport, redraw);
    this.wipe = new Wipe(store);
    this.tag = new NameTag(store, this.viewport);
    this.question = new QuestionBar(store, client, this.overlay);
    this.scaleBar = new ScaleBar(store, this.viewport);
    this.minimap = new Minimap(store, this.viewport, () => this.frameLayer.take());
    const navigation = new Navigation(this.viewport);
    this.pointer = new PointerInput(this.prompter, navigation, this.lasso, this.proposals, redraw);
    this.crosshair = new Crosshair(this.prompter, this.lasso, this.proposals, redraw);
    this.tools = new Tools(store);
    this.display = new DisplayControls(store, this.viewport, client);
    this.commands = stageCommands({
      ...{ store, prompter: this.prompter, lasso: this.lasso, proposals: this.proposals },
      candidates: this.candidates,
    });
    this.screen = h(
      "div.screen",
      ...[this.picture, this.overlay, this.wipe.element],
      ...[this.scaleBar.element, this.minimap.element, this.tag.element],
    );
    this.element = h(
      "div.stage",
      ...[this.screen, this.candidates.element, this.bar.element],
      this.question.element,
    );
    this.observer = new ResizeObserver(() => {
      this.viewport.resized();
      this.display.update();
      this.schedule(true);
    });
    this.observer.observe(this.overlay);
    client.seen = () => (store.state.video.windowed ? this.viewport.seen : null);
    root.dataset.masksDrawn = "0";
    root.dataset.promptsDrawn = "0";
  }

  close(): void {
    this.observer.disconnect();
    this.display.close();
    cancelAnimationFrame(this.scheduled);
  }

  /** Leave what is going on: a gesture, a polygon, the crosshair, a choice. */
  cancelGesture(): void {
    this.pointer.cancel();
    this.lasso.cancel();
    this.crosshair.hide();
    this.candidates.dismiss();
    this.client.answer(false);
  }

  /** Keys of the crosshair; true when it was one. */
  handleKey(event: KeyboardEvent): boolean {
    return event.target === this.overlay && this.crosshair.handleKey(event);
  }

  update(topics: Set<Topic>): void {
    const { kind, width, height } = this.store.state.video;
    if (height > 0) setVar(this.element, "aspect", width / height);
    if (topics.has("tool")) {
      this.lasso.cancel();
      this.client.hovering.forget();
      this.overlay.dataset.tool = this.store.state.tool;
      this.proposals.toolChanged();
    }
    if (topics.has("frame") && this.store.state.marked.size > 0) this.proposals.mark([]);
    const { question, goal } = this.store.state;
    const leaves = topics.has("frame") || (topics.has("goal") && goal !== null);
    if (leaves && question?.pending) this.client.answer(false);
    // Of one image to the next nothing is alike; in a video the place is.
    if (topics.has("frame") && kind === "images") this.viewport.fit();
    if (topics.has("display") && !this.client.hovering.on) this.client.hovering.forget();
    if (kind === "images" || ![...topics].every((topic) => OFTEN.has(topic))) {
      this.tools.update();
      this.display.update();
      this.wipe.update();
    }
    this.display.updateContrast();
    this.candidates.update();
    this.bar.update();
    this.question.update();
    // Picture and number of the frame change at once, if they can.
    if (topics.has("frame") && this.store.frames.has(this.store.state.frame)) this.drawNow();
    else if ([...topics].every((topic) => ARRIVALS.has(topic)) && this.isPainted)
      this.client.drawn(); // of frames that are not shown
    else this.schedule([...topics].some((topic) => !OVERLAY_ONLY.has(topic)));
  }

  /** Whether there is something to leave. */
  get busy(): boolean {
    return (
      this.pointer.busy ||
      this.lasso.open ||
      this.crosshair.shown ||
      this.candidates.current !== null ||
      this.store.state.question !== null
    );
  }

  private schedule(picture: boolean): void {
    this.pictureDue ||= picture;
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.draw();
    });
  }

  /** Whether pixels and masks that are to be seen are those on the stage. */
  private get isPainted(): boolean {
    const pixels = this.frameLayer.take();
    const frame = this.viewport.shownFrame();
    const { painted, pictureDue } = this;
    const same = frame === painted.frame && pixels === painted.pixels;
    return same && this.store.masks.get(frame) === painted.masks && !pictureDue;
  }

  private get isOverlayEmpty(): boolean {
    const { hoveredObject, preview } = this.store.state;
    if (hoveredObject !== null || preview || this.pointer.place || this.busy) return false;
    if (this.proposals.active || this.store.unanswered.length > 0) return false;
    const frame = this.viewport.shownFrame();
    return !this.store.shownObjects.some(({ id }) => this.store.promptsOf(id, frame));
  }

  private drawNow(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    this.pictureDue = true;
    this.draw();
  }

  private draw(): void {
    const [width, height] = this.viewport.stage;
    if (width === 0 || this.store.state.video.width === 0) return;
    if (this.pictureDue) {
      this.drawPicture(width, height);
      this.scaleBar.update();
      this.minimap.draw();
    }
    this.pictureDue = false;
    // While the video plays, mostly there is nothing on it: it need not be painted at each frame.
    const isEmpty = this.isOverlayEmpty;
    if (!isEmpty || !this.overlayCleared) this.drawOverlay(width, height);
    this.overlayCleared = isEmpty;
    const isAsking = this.store.state.question !== null; // and says it all
    const meaning = isAsking ? null : this.pointer.meaning;
    if (isAsking) this.tag.show(null, "click");
    else this.tag.show(meaning ?? this.crosshair.meaning, meaning ? "click" : "Enter");
    this.candidates.update();
    this.bar.update();
  }

  private drawPicture(width: number, height: number): void {
    const context = cleared(this.picture, width, height);
    if (!context) return;
    const pixels = this.frameLayer.take(); // first: it decides which frame is shown
    const frame = this.viewport.shownFrame();
    const { transform } = this.viewport;
    this.drawGround(context, transform, pixels);
    const { wipe } = this.store.state.display;
    const masks = this.store.masks.get(frame);
    context.save();
    if (wipe !== null) {
      context.beginPath();
      context.rect(wipe * width, 0, width, height);
      context.clip();
    }
    const { image } = this.viewport;
    const { effect } = this.store.state;
    if (effect.name !== "overlay" && pixels) {
      const objects = objectsOf(this.store);
      const shown = { transform, image, pixels, masks: masks ?? new Map() };
      drawEffect(context, { ...shown, objects, effect });
    } else if (masks) drawMasks(context, transform, image, this.store, masks);
    this.proposals.draw(context, transform);
    const labels =
      masks && !this.proposals.active && effect.name === "overlay"
        ? drawLabels(context, transform, this.viewport.image, [width, height], this.store, masks)
        : 0;
    context.restore();

    if (pixels && !this.painted.pixels) this.root.classList.add("s2w-drawn");
    this.painted = { frame, pixels, masks };
    this.client.drawn();
    if (this.store.unpainted.delete(frame))
      this.root.dataset.masksDrawn = String(++this.masksDrawn);
    setAttribute(this.root, "data-effect-drawn", pixels ? effect.name : "overlay");
    setAttribute(this.root, "data-labels-drawn", String(labels));
    if (!pixels) return;
    setAttribute(this.root, "data-frame-drawn", String(frame));
    // Empty: they are still on their way.
    setAttribute(this.root, "data-masks-of", masks ? String(frame) : "");
    setAttribute(this.root, "data-reduced", String(this.store.reduced.has(frame)));
  }

  private drawOverlay(width: number, height: number): void {
    const context = cleared(this.overlay, width, height);
    if (!context) return;
    const frame = this.viewport.shownFrame();
    const { transform, image } = this.viewport;
    const { hoveredObject, preview, selected } = this.store.state;
    const scene: StrokeScene = {
      ...{ store: this.store, image, masks: this.store.masks.get(frame) },
      scratch: () => cleared(this.scratch, width, height),
      ground: (onto) => this.drawGround(onto, transform, this.frameLayer.take()),
    };
    for (const { stroke, frame: at } of this.store.unanswered)
      if (stroke && at === frame) drawStroke(context, transform, stroke, scene);
    this.pointer.draw(context, transform, scene);
    const lit = hoveredObject === selected ? undefined : scene.masks?.get(hoveredObject ?? -1);
    if (lit && this.store.shownObjects.some(({ id }) => id === hoveredObject))
      drawMask(context, transform, image, lit.runs, LIT);
    if (preview?.frame === frame && preview.object === this.prompter.target().object) {
      const color = this.store.selectedObject?.color ?? PREVIEW_COLOR;
      const halo = { color: "#000000", fill: 0, outline: 0.35 };
      drawMask(context, transform, image, preview.runs, { ...halo, color, fill: 0.22 });
      drawMask(context, transform, image, preview.runs, { ...PROVISIONAL, fill: 0 });
      this.root.dataset.previewDrawn = `${preview.x},${preview.y}`;
      this.root.dataset.previewFrom = preview.local ? "page" : "kernel";
    } else setAttribute(this.root, "data-preview-drawn", null);
    this.proposals.drawHovered(context, transform);
    this.candidates.drawPeeked(context, transform);
    const { hot } = this.pointer;
    const prompts = this.proposals.active
      ? 0 // they would hide what is to be chosen from
      : drawPrompts(context, this.store, transform, this.viewport.stage, frame, hot);
    this.pointer.drawCursor(context, transform);
    this.crosshair.draw(context, transform);
    setAttribute(this.root, "data-prompts-drawn", String(prompts));
  }

  /** What is here of a large picture in more detail than all of it, the finest on top. */
  private drawRegions(
    context: CanvasRenderingContext2D,
    transform: ViewTransform,
    whole: ImageBitmap,
  ): void {
    const { regions } = this.client;
    const density = transform.scale * (window.devicePixelRatio || 1);
    const { image, seen } = this.viewport;
    if (density > whole.width / image[0]) regions.want(this.viewport.shownFrame(), seen, density);
    const drawn = drawRegions(context, transform, regions.kept, seen);
    setAttribute(this.root, "data-region-drawn", drawn);
  }

  /** The frame, or black. */
  private drawGround(
    context: CanvasRenderingContext2D,
    transform: ViewTransform,
    pixels: ImageBitmap | undefined,
  ): void {
    const { image } = this.viewport;
    if (this.store.state.display.masksOnly) {
      const { offsetX, offsetY, scale } = transform;
      context.fillStyle = "#000000";
      context.fillRect(offsetX, offsetY, image[0] * scale, image[1] * scale);
    } else if (pixels) {
      this.frameLayer.draw(context, transform, image, pixels);
      if (this.store.state.video.windowed) this.drawRegions(context, transform, pixels);
    }
  }
}
