/** Proposals of a frame on the stage: which are marked, and what becomes of them. */

import type { Client } from "../../kernel/client";
import { covers, type Proposal } from "../../state/stage-state";
import type { Store } from "../../state/store";
import { drawMask, PROVISIONAL } from "../draw/mask-layer";
import type { ViewTransform } from "../view-transform";
import type { Place, Viewport } from "../viewport";

/** Degrees between the hues of proposals that follow each other: no two near ones look alike. */
const GOLDEN_ANGLE = 137.508;

export class Proposals {
  /** What is looked for, in words; "" where it is everything. */
  text = "";
  /** Whether that is looked for on all frames. */
  inVideo = false;
  private hovered: Proposal | null = null;

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly viewport: Viewport,
    private readonly redraw: () => void,
  ) {}

  get active(): boolean {
    return this.store.state.tool === "everything";
  }

  /** Of the frame on the stage; undefined when it was not asked about. */
  get all(): Proposal[] | undefined {
    return this.store.state.proposals.get(this.viewport.shownFrame());
  }

  get marked(): number[] {
    const { marked } = this.store.state;
    return (this.all ?? []).filter(({ id }) => marked.has(id)).map(({ id }) => id);
  }

  find(text = "", inVideo = false): void {
    this.text = text;
    this.inVideo = inVideo;
    this.client.propose(this.viewport.shownFrame(), text, inVideo);
  }

  toggleAt(place: Place): void {
    const proposal = this.at(place);
    if (!proposal) return;
    const marked = new Set(this.marked);
    if (!marked.delete(proposal.id)) marked.add(proposal.id);
    this.store.set("marked", marked);
  }

  mark(ids: Iterable<number>): void {
    this.store.set("marked", new Set(ids));
  }

  hover(place: Place | null): void {
    this.hovered = place && this.at(place);
  }

  adopt(merge: boolean): void {
    const frame = this.viewport.shownFrame();
    const proposals = this.marked;
    if (proposals.length === 0) return;
    this.client.ask({ type: "adopt", frame, proposals, merge, object: null });
  }

  dismiss(): void {
    const frame = this.viewport.shownFrame();
    const proposals = this.marked;
    if (proposals.length === 0) return;
    this.client.ask({ type: "dismiss", frame, proposals });
    this.store.putProposals(
      frame,
      (this.all ?? []).filter(({ id }) => !proposals.includes(id)),
    );
  }

  /** Draw them in CSS pixels, large ones first. */
  draw(context: CanvasRenderingContext2D, transform: ViewTransform): void {
    if (!this.active || !this.all) return;
    const { marked } = this.store.state;
    for (const { id, runs } of [...this.all].sort((a, b) => b.area - a.area)) {
      const isMarked = marked.has(id);
      const style = isMarked ? { fill: 0.62, halo: true } : { fill: 0.3 };
      const color = colorOf(id);
      drawMask(context, transform, this.viewport.image, runs, { ...style, color, outline: 0.9 });
      if (!isMarked) continue;
      const ring = { color: "#ffffff", fill: 0, outline: 1 };
      drawMask(context, transform, this.viewport.image, runs, ring);
    }
  }

  /** Draw the one under the pointer. */
  drawHovered(context: CanvasRenderingContext2D, transform: ViewTransform): void {
    if (!this.active || !this.hovered || !this.all?.includes(this.hovered)) return;
    drawMask(context, transform, this.viewport.image, this.hovered.runs, PROVISIONAL);
  }

  /** Bring up to date; with the tool in hand and nothing known, the frame is asked about. */
  toolChanged(): void {
    this.redraw();
    if (this.active && !this.all && this.store.state.proposing === null) this.find();
  }

  /** The smallest at a place, as it lies on the larger ones. */
  private at(place: Place): Proposal | null {
    const [width] = this.viewport.image;
    if (!this.viewport.holds(place)) return null;
    const [x, y] = this.viewport.toImage(place);
    const there = (this.all ?? []).filter(({ runs }) => covers(runs, width, x, y));
    return there.sort((a, b) => a.area - b.area)[0] ?? null;
  }
}

function colorOf(id: number): string {
  return `hsl(${Math.round((id * GOLDEN_ANGLE) % 360)} 85% 60%)`;
}
