/** The stage's keys. */

import { changeDisplay } from "../../panels/display";
import { type Command, commandsOf } from "../../state/keys/keys";
import type { Display, Tool } from "../../state/stage-state";
import type { Store } from "../../state/store";
import type { CandidateStrip } from "../candidates/candidates";
import type { Proposals } from "../candidates/proposals";
import { showsScaleBar } from "../scale-bar";
import { TOOLS } from "../tools";
import { clampRadius } from "./gesture";
import type { Lasso } from "./lasso";
import type { Prompter } from "./prompter";

/** What a press of `[` or `]` makes of the brush, and of `-` or `+` of the zoom. */
const BRUSH_STEP = 1.2;
const ZOOM_STEP = 1.25;

export interface StageParts {
  store: Store;
  prompter: Prompter;
  lasso: Lasso;
  proposals: Proposals;
  candidates: CandidateStrip;
}

/** In the order in which they are tried: what is open goes before what is always there. */
export function stageCommands(parts: StageParts): Command[] {
  const { store, prompter, lasso, proposals, candidates } = parts;
  const { viewport, client } = prompter;
  const tool = (name: Tool) => () => store.set("tool", name);
  const choose = (event: KeyboardEvent) =>
    candidates.choose(Number(/\d/.exec(event.code || event.key)?.[0]) - 1);
  const [prompts, everything] = ["Prompts", "Everything"];
  const candidate = commandsOf(prompts, () => candidates.current !== null);
  const polygon = commandsOf(prompts, () => lasso.open);
  const proposal = commandsOf(everything, () => proposals.active && proposals.marked.length > 0);
  const propose = commandsOf(
    everything,
    () => proposals.active && !proposals.all?.length && store.state.proposing === null,
  );
  const brush = commandsOf(prompts, () => /brush|eraser/.test(store.state.tool));
  const show = commandsOf("View");
  const change = (values: Partial<Display>) => changeDisplay(store, values);
  const flip = (what: "masksOnly" | "labels" | "minimap") => () =>
    change({ [what]: !store.state.display[what] });
  const resize = (by: number) => () => store.set("brush", clampRadius(store.state.brush * by));
  const zoom = (by: number) => () => viewport.zoomBy(by);
  return [
    candidate(["1", "2", "3"], "Choose among the masks of a click", choose),
    candidate(["Alt+1", "Alt+2", "Alt+3"], "Choose among the masks of a click", choose),
    polygon("Enter", "Close the polygon", () => lasso.close()),
    polygon("Backspace", "Take the polygon's last corner back", () => lasso.back()),
    proposal("Enter", "Add as objects", () => proposals.adopt(false)),
    proposal("M", "Merge into one object", () => proposals.adopt(true)),
    proposal(["Delete", "Backspace"], "Reject proposals", () => proposals.dismiss()),
    propose("Enter", "Segment everything on the frame", () => proposals.find()),
    ...TOOLS.map(({ tool: name, label, key }) => commandsOf(prompts)(key, label, tool(name))),
    brush("[", "Smaller brush", resize(1 / BRUSH_STEP)),
    brush("]", "Larger brush", resize(BRUSH_STEP)),
    show(["+", "="], "Zoom in", zoom(ZOOM_STEP)),
    show("-", "Zoom out", zoom(1 / ZOOM_STEP)),
    show("0", "Fit to the stage", () => viewport.fit()),
    show("H", "Preview the mask under the pointer", () => change({ hover: !client.hovering.on })),
    show("\\", "Compare without and with masks", () =>
      change({ wipe: store.state.display.wipe === null ? 0.5 : null }),
    ),
    show("Shift+M", "Masks only", flip("masksOnly")),
    show("Shift+N", "Names on the masks", flip("labels")),
    show("Shift+Z", "Minimap, when zoomed", flip("minimap")),
    show("Shift+R", "Scale bar", () => change({ scaleBar: !showsScaleBar(store) })),
  ];
}
