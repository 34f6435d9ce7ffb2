/**
 * One table of objects and lanes: a row an object, of which only those in sight are drawn.
 *
 * It is as tall as it is from the start, scrolls beyond, and a person can pull it taller or fold it.
 * To show more of an object, add a column before the view is mounted:
 *
 *     table.addColumn("72px", (id) => ({ element, update: (object) => … }));
 */

import type { Client } from "../../kernel/client";
import { type Command, commandsOf } from "../../state/keys/keys";
import { ofFramesOnly, type Store, type Topic } from "../../state/store";
import { setAttribute, setStyle } from "../../ui/attributes";
import { h, iconButton, on, setText, setVar } from "../../ui/dom";
import { Popover } from "../../ui/popover";
import { setTip } from "../../ui/tooltip";
import { inkOf } from "../time/canvas";
import { Lane } from "../time/lane";
import { Series } from "../time/series";
import type { Timeline } from "../time/timeline";
import { AreaCell } from "./area-cell";
import { ClassCell } from "./class-cell";
import { ClassPanel } from "./classes";
import { type Cell, ObjectRow } from "./row";
import { drawThumbnail } from "./thumbnail";

const ROW_PX = 26;
const TOUCH_ROW_PX = 42;
/** Rows that are drawn above and below those in sight. */
const SPARE = 2;
/** Before the page is laid out. */
const FIRST_ROWS = 20;
const THUMBNAIL_PAUSE_MS = 120;
/** What lanes are drawn from. */
const LANE_TOPICS: Topic[] = ["timeline", "confidence", "objects", "video", "selected", "axis"];

export class ObjectTable {
  readonly element: HTMLElement;
  private readonly body: HTMLElement;
  private readonly list = h("ul.objects");
  private readonly count = h("span.count");
  private readonly empty = h("p.empty", "Each object has a row here, with its lane in time.");
  private readonly removeButton: HTMLButtonElement;
  private readonly foldButton: HTMLButtonElement;
  private readonly seriesButton: HTMLButtonElement;
  private readonly seriesRow: HTMLElement;
  private readonly series: Series;
  private readonly head: HTMLElement;
  private readonly playheads: HTMLElement[] = [];
  private readonly rows = new Map<number, ObjectRow>();
  private readonly classes: ClassPanel;
  private readonly columns: ((id: number) => Cell)[] = [];
  private readonly observer: ResizeObserver;
  private readonly theme: MutationObserver;
  private readonly row_px = matchMedia?.("(pointer: coarse)").matches ? TOUCH_ROW_PX : ROW_PX;
  /** Of what scrolls below the head, in CSS pixels: measured when it changes, not at each frame. */
  private height = 0;
  private scrolled = 0;
  private waiting = 0;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly timeline: Timeline,
    private readonly select: (object: number) => void,
  ) {
    const add = iconButton("add", "Add object", () => client.ask({ type: "add_object" }), {
      key: "C",
    });
    this.removeButton = iconButton("trash", "Remove object", () =>
      client.ask({ type: "remove_object", object: store.state.selected }),
    );
    setTip(this.removeButton, "Remove the selected object");
    this.foldButton = iconButton("fold", "Objects and lanes", () => this.fold());
    this.seriesButton = iconButton("chart", "Scores over time", () => this.openSeries());
    this.series = new Series(store, client, timeline.axis, (share) => timeline.goToShare(share));
    timeline.watch(this.series.canvas, null);
    this.classes = new ClassPanel(store, client);
    const classes = new Popover({ icon: "tag", label: "Classes and attributes", align: "start" }, [
      this.classes.element,
    ]);
    const objectsHead = h(
      "div.objects-head",
      { group: "Edit objects" },
      this.foldButton,
      h("h3", "Objects"),
      this.count,
      add,
      this.removeButton,
      classes.element,
      this.seriesButton,
    );
    this.head = h(
      "div.table-head",
      timeline.rulerHead,
      timeline.track,
      objectsHead,
      timeline.strip,
    );
    this.seriesRow = h(
      "div.series-row",
      { hidden: true },
      h("div.series-head", h("span.line-sign", "Score"), h("span.area-sign", "Area")),
      this.series.canvas,
      this.makePlayhead(),
    );
    timeline.strip.append(this.makePlayhead());
    this.body = h(
      "div.table-body",
      { scroll: () => this.measure() },
      this.head,
      this.empty,
      h("div", { class: "s2w-lanes" }, this.list, this.makePlayhead()),
    );
    this.element = h("section.table", { label: "Objects" }, this.body, this.seriesRow);
    setVar(this.element, "row", `${this.row_px}px`);
    this.addColumn(
      "var(--s2w-class-column, 0px)",
      (id) => new ClassCell(store, client, id, select),
    );
    this.addColumn("var(--s2w-area-column, 0px)", () => new AreaCell(store));
    this.setExpanded(this.foldButton, true);
    this.setExpanded(this.seriesButton, false);
    on(this.list, "focusin", () => this.showRows());
    this.observer = new ResizeObserver(() => {
      this.measure();
      this.drawLanes();
    });
    this.observer.observe(this.body);
    this.theme = new MutationObserver(() => this.redraw());
    this.theme.observe(document.body, {
      attributeFilter: ["data-jp-theme-light", "class", "data-jp-theme-name"],
    });
  }

  close(): void {
    window.clearTimeout(this.waiting);
    this.series.close();
    this.observer.disconnect();
    this.theme.disconnect();
  }

  /** Show more of each object; the width is of the column. */
  addColumn(width: string, cell: (id: number) => Cell): void {
    this.columns.push(cell);
    const before = this.element.style.getPropertyValue("--s2w-columns");
    setVar(this.element, "columns", before ? `${before} + ${width}` : width);
  }

  commands(): Command[] {
    const group = "Objects";
    const some = commandsOf(group, () => this.store.state.objects.length > 0);
    const selected = commandsOf(group, () => this.store.selectedObject !== undefined);
    return [
      some("Ctrl+ArrowUp", "Previous object", () => this.selectNext(-1)),
      some("Ctrl+ArrowDown", "Next object", () => this.selectNext(1)),
      selected("F2", "Rename the object", () => this.rename()),
    ];
  }

  update(topics: Set<Topic>): void {
    const changed = (...some: Topic[]) => some.some((topic) => topics.has(topic));
    if (changed("frames", "masks", "frame", "objects")) this.drawThumbnailsSoon();
    this.showPlace();
    if (ofFramesOnly(topics)) {
      this.showMasks();
      return;
    }
    const { objects, video } = this.store.state;
    setText(this.count, objects.length > 0 ? String(objects.length) : "");
    this.empty.hidden = objects.length > 0;
    this.classes.update(topics);
    if (changed("class_list"))
      this.element.toggleAttribute("data-classes", this.store.state.class_list.length > 0);
    setAttribute(this.removeButton, "disabled", this.store.selectedObject === undefined);
    setAttribute(this.element, "data-areas", video.pixel_size !== null);
    setAttribute(this.element, "data-still", video.num_frames <= 1);
    if (changed("selected", "objects")) this.revealSelected();
    this.showRows();
    if (!this.seriesRow.hidden) this.series.update(topics);
    if (changed(...LANE_TOPICS)) this.drawLanes();
  }

  /** A line where the view is. */
  private makePlayhead(): HTMLElement {
    const playhead = h("i", { class: "s2w-playhead", "aria-hidden": "true" });
    this.playheads.push(playhead);
    return playhead;
  }

  private showPlace(): void {
    const at = this.timeline.axis.shareOf(this.store.destination + 0.5);
    for (const playhead of this.playheads) setVar(playhead, "at", at);
    setAttribute(this.element, "data-elsewhere", at < 0 || at > 1);
  }

  private showMasks(): void {
    const masks = this.store.masks.get(this.store.state.frame);
    for (const [id, row] of this.rows) row.showMask(masks?.get(id));
  }

  /** Make the rows that are in sight, and only those. */
  private showRows(): void {
    const { objects, selected, frame, solo } = this.store.state;
    setStyle(this.list, "height", `${objects.length * this.row_px}px`);
    const [first, last] = this.inSight();
    const masks = this.store.masks.get(frame);
    const wanted = new Map(
      objects.flatMap((object, i) =>
        (i >= first && i < last) || this.hasFocus(object.id) ? [[object.id, i] as const] : [],
      ),
    );
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    let before: Element | null = this.list.firstElementChild;
    let isNew = false;
    for (const [id, i] of wanted) {
      const object = objects[i];
      if (!object) continue;
      let row = this.rows.get(id);
      if (!row) {
        row = this.makeRow(id);
        this.rows.set(id, row);
        isNew = true;
      }
      // Only what is out of place is moved: moving takes the focus away.
      if (row.element === before) before = before.nextElementSibling;
      else this.list.insertBefore(row.element, before);
      setStyle(row.element, "top", `${i * this.row_px}px`);
      setAttribute(row.element, "aria-posinset", String(i + 1));
      setAttribute(row.element, "aria-setsize", String(objects.length));
      row.update(object, id === selected, solo, masks?.get(id));
    }
    if (!isNew) return;
    this.drawLanes();
    this.drawThumbnailsSoon();
  }

  private makeRow(id: number): ObjectRow {
    const { store, client, select, timeline } = this;
    const object = store.state.objects.find((one) => one.id === id);
    if (!object) throw new Error(`There is no object ${id}.`);
    const lane = new Lane(
      timeline.axis,
      () => select(id),
      (share) => timeline.goToShare(share),
    );
    timeline.watch(lane.canvas, id);
    const cells = this.columns.map((column) => column(id));
    return new ObjectRow(object, store, client, select, lane, cells);
  }

  private measure(): void {
    this.height = Math.max(0, this.body.clientHeight - this.head.offsetHeight);
    this.scrolled = this.body.scrollTop;
    this.showRows();
  }

  /** The first row to draw, and the one after the last. */
  private inSight(): [number, number] {
    if (this.height === 0) return [0, FIRST_ROWS];
    const first = Math.floor(this.scrolled / this.row_px) - SPARE;
    return [first, Math.ceil((this.scrolled + this.height) / this.row_px) + SPARE];
  }

  private hasFocus(id: number): boolean {
    return this.rows.get(id)?.element.contains(document.activeElement) ?? false;
  }

  private revealSelected(): void {
    const { objects, selected } = this.store.state;
    const i = objects.findIndex(({ id }) => id === selected);
    if (i < 0 || this.height === 0) return;
    const top = i * this.row_px;
    const bottom = top + this.row_px;
    this.list.style.height = `${objects.length * this.row_px}px`;
    if (top < this.scrolled) this.body.scrollTop = top;
    else if (bottom > this.scrolled + this.height) this.body.scrollTop = bottom - this.height;
    else return;
    this.measure();
  }

  private selectNext(by: 1 | -1): void {
    const { objects, selected } = this.store.state;
    const at = objects.findIndex(({ id }) => id === selected);
    const next = objects[Math.max(0, Math.min(objects.length - 1, at + by))];
    if (next) this.select(next.id);
  }

  private rename(): void {
    this.revealSelected();
    this.showRows();
    this.rows.get(this.store.state.selected)?.rename();
  }

  private drawLanes(): void {
    const ink = inkOf(this.element);
    for (const [id, { lane }] of this.rows)
      lane.draw(
        {
          timeline: this.store.timelines.get(id),
          confidence: this.store.confidences.get(id),
          places: this.timeline.places.get(id) ?? [],
        },
        ink,
      );
    this.timeline.draw();
    if (!this.seriesRow.hidden) this.series.draw();
  }

  private redraw(): void {
    this.drawLanes();
  }

  private fold(): void {
    const folded = !this.element.toggleAttribute("data-folded");
    this.setExpanded(this.foldButton, folded);
    this.showRows();
  }

  private openSeries(): void {
    this.seriesRow.hidden = !this.seriesRow.hidden;
    this.setExpanded(this.seriesButton, !this.seriesRow.hidden);
    if (!this.seriesRow.hidden) this.series.wantAreas();
    this.drawLanes();
  }

  private setExpanded(button: HTMLButtonElement, on: boolean): void {
    button.setAttribute("aria-expanded", String(on));
  }

  /** When nothing has moved for a moment: playing and scrubbing do not wait for it. */
  private drawThumbnailsSoon(): void {
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      const { frame, video } = this.store.state;
      const masks = this.store.masks.get(frame);
      const picture = this.store.frames.get(frame);
      for (const [id, row] of this.rows)
        drawThumbnail(row.picture, picture, masks?.get(id), video.width);
    }, THUMBNAIL_PAUSE_MS);
  }
}
