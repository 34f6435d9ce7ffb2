/** What pointer and crosshair have in common: a place or a rectangle on the stage as a request. */

import type { Client } from "../client";
import type { Store } from "../store";
import { hitPrompt, type PromptHit } from "./prompt-layer";
import type { ViewTransform } from "./view-transform";

/** A place on the stage in CSS pixels. */
export interface Place {
  x: number;
  y: number;
}

export class Prompter {
  constructor(
    readonly store: Store,
    private readonly client: Client,
    private readonly transform: () => ViewTransform,
    /** The frame that is on the stage: what a person sees is what they mean. */
    private readonly shownFrame: () => number,
  ) {}

  /** The selected object's point or box handle at a place. */
  hit(place: Place, reach: number): PromptHit | null {
    return hitPrompt(this.store, this.transform(), this.shownFrame(), place.x, place.y, reach);
  }

  remove(hit: PromptHit): void {
    const frame = this.shownFrame();
    if (hit.index === null) {
      this.client.ask({ type: "remove_box", frame, object: hit.object });
      return;
    }
    this.client.ask({ type: "remove_point", frame, object: hit.object, index: hit.index });
    this.store.dropPoint(hit.object, frame, hit.index);
  }

  point(place: Place, label: 0 | 1): void {
    const [x, y] = this.toVideo(place);
    this.client.prompt({ type: "click", ...this.target(), x, y, label });
  }

  /** A box between two corners; one of no size is none. */
  box(a: Place, b: Place): void {
    const [x0, y0] = this.toVideo({ x: Math.min(a.x, b.x), y: Math.min(a.y, b.y) });
    const [x1, y1] = this.toVideo({ x: Math.max(a.x, b.x), y: Math.max(a.y, b.y) });
    if (x1 - x0 < 1 || y1 - y0 < 1) return;
    this.client.prompt({ type: "box", ...this.target(), x0, y0, x1, y1 });
  }

  private target(): { frame: number; object: number | null } {
    return { frame: this.shownFrame(), object: this.store.selectedObject?.id ?? null };
  }

  private toVideo({ x, y }: Place): [number, number] {
    const { width, height } = this.store.state.video;
    const [videoX, videoY] = this.transform().toVideo(x, y);
    return [Math.max(0, Math.min(width, videoX)), Math.max(0, Math.min(height, videoY))];
  }
}
