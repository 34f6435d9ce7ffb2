/** Scores over time, of all objects, on the axis of the lanes. */

import type { Client } from "../../kernel/client";
import { confidenceOf } from "../../state/confidence";
import type { Store, Topic } from "../../state/store";
import { onDrag } from "../../ui/controls";
import { h, setLabel } from "../../ui/dom";
import type { TimeAxis } from "./axis";
import { contextOf, inkOf, shareAt } from "./canvas";
import { poolConfidence } from "./heat";

/** Around the plot, in CSS pixels. */
const PAD = 4;
/** Areas are asked for again no sooner. */
const PAUSE_MS = 500;

export class Series {
  readonly canvas: HTMLCanvasElement;
  private waiting = 0;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly axis: TimeAxis,
    goToShare: (share: number) => void,
  ) {
    this.canvas = h("canvas.series", { role: "img" });
    onDrag(this.canvas, (event) => goToShare(shareAt(this.canvas, event)));
  }

  close(): void {
    window.clearTimeout(this.waiting);
  }

  /** Bring up to date; only what is looked at asks for areas. */
  update(topics: Set<Topic>): void {
    if (topics.has("selected")) this.wantAreas();
    else if (topics.has("timeline") && !this.waiting)
      this.waiting = window.setTimeout(() => this.wantAreas(), PAUSE_MS);
  }

  wantAreas(): void {
    window.clearTimeout(this.waiting);
    this.waiting = 0;
    const { selected } = this.store.state;
    if (this.store.selectedObject) this.client.send({ type: "want_areas", object: selected });
  }

  draw(): void {
    const context = contextOf(this.canvas);
    if (!context) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { text } = inkOf(this.canvas);
    const tall = height - 2 * PAD;
    const yOf = (score: number) => PAD + (1 - score) * tall;
    context.fillStyle = text;
    for (const score of [0, 0.5, 1]) {
      context.globalAlpha = 0.16;
      context.fillRect(0, Math.round(yOf(score)), width, 1);
    }
    const { selected } = this.store.state;
    const objects = this.store.shownObjects;
    // The selected one last, above the others.
    for (const { id, color } of [...objects].sort(
      (a, b) => +(a.id === selected) - +(b.id === selected),
    )) {
      this.drawArea(context, id, color, width, height, id === selected);
      this.drawScore(context, id, color, width, yOf, id === selected);
    }
    context.globalAlpha = 1;
    const name = objects.find(({ id }) => id === selected)?.name;
    setLabel(this.canvas, `Scores and areas over time${name ? `; ${name} is selected` : ""}`);
  }

  private drawScore(
    context: CanvasRenderingContext2D,
    id: number,
    color: string,
    width: number,
    yOf: (score: number) => number,
    selected: boolean,
  ): void {
    const bytes = this.store.confidences.get(id);
    if (!bytes) return;
    const { start, length } = this.axis;
    // One point a frame where frames are wider than pixels, else the worst of each pixel.
    const points = Math.min(Math.round(width), Math.ceil(length) + 1);
    const from = points < width ? Math.floor(start) : start;
    const span = points < width ? points : length;
    const pooled = poolConfidence(bytes, points, from, span);
    context.strokeStyle = color;
    context.globalAlpha = selected ? 1 : 0.4;
    context.lineWidth = selected ? 1.75 : 1;
    context.beginPath();
    let open = false;
    pooled.forEach((byte, i) => {
      const score = confidenceOf(byte);
      const x = ((from + ((i + 0.5) * span) / points - start) / length) * width;
      if (score === null) open = false;
      else if (open) context.lineTo(x, yOf(score));
      else {
        context.moveTo(x - 0.5, yOf(score));
        context.lineTo(x + 0.5, yOf(score));
        open = true;
      }
    });
    context.stroke();
  }

  private drawArea(
    context: CanvasRenderingContext2D,
    id: number,
    color: string,
    width: number,
    height: number,
    selected: boolean,
  ): void {
    const areas = this.store.areas.get(id);
    if (!areas || !selected) return;
    let largest = 0;
    for (const area of areas) largest = Math.max(largest, area);
    if (largest === 0) return;
    const { start, length } = this.axis;
    context.fillStyle = color;
    context.globalAlpha = 0.2;
    const columns = Math.round(width);
    for (let x = 0; x < columns; x++) {
      const frame = Math.floor(start + ((x + 0.5) * length) / columns);
      const tall = ((areas[frame] ?? 0) / largest) * (height - 2 * PAD);
      if (tall > 0) context.fillRect(x, height - PAD - tall, 1, tall);
    }
  }
}
