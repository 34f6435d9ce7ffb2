/** The stage's keys. */

import { changeDisplay } from "../../panels/display";
import type { Command } from "../../state/keys";
import type { Tool } from "../../state/stage-state";
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
  const open = () => candidates.current !== null;
  const proposed = { group: "Everything", enabled: () => proposals.active && marked() };
  const marked = () => proposals.marked.length > 0;
  const brush = { group: "Prompts", enabled: () => /brush|eraser/.test(store.state.tool) };
  const resize = (by: number) => () => store.set("brush", clampRadius(store.state.brush * by));
  const zoom = (by: number) => () => viewport.zoomBy(by);
  return [
    {
      keys: ["1", "2", "3"],
      label: "Choose among the masks of a click",
      group: "Prompts",
      enabled: open,
      run: choose,
    },
    {
      keys: ["Alt+1", "Alt+2", "Alt+3"],
      label: "Choose among the masks of a click",
      group: "Prompts",
      enabled: open,
      run: choose,
    },
    {
      keys: ["Enter"],
      label: "Close the polygon",
      group: "Prompts",
      enabled: () => lasso.open,
      run: () => lasso.close(),
    },
    {
      keys: ["Backspace"],
      label: "Take the polygon's last corner back",
      group: "Prompts",
      enabled: () => lasso.open,
      run: () => lasso.back(),
    },
    { keys: ["Enter"], label: "Add as objects", ...proposed, run: () => proposals.adopt(false) },
    { keys: ["M"], label: "Merge into one object", ...proposed, run: () => proposals.adopt(true) },
    {
      keys: ["Delete", "Backspace"],
      label: "Reject proposals",
      ...proposed,
      run: () => proposals.dismiss(),
    },
    {
      keys: ["Enter"],
      label: "Segment everything on the frame",
      group: "Everything",
      enabled: () => proposals.active && !proposals.all?.length && store.state.proposing === null,
      run: () => proposals.find(),
    },
    ...TOOLS.map(({ tool: name, label, key }) => ({
      ...{ keys: [key], label, group: "Prompts" },
      run: tool(name),
    })),
    { keys: ["["], label: "Smaller brush", ...brush, run: resize(1 / BRUSH_STEP) },
    { keys: ["]"], label: "Larger brush", ...brush, run: resize(BRUSH_STEP) },
    { keys: ["+", "="], label: "Zoom in", group: "View", run: zoom(ZOOM_STEP) },
    { keys: ["-"], label: "Zoom out", group: "View", run: zoom(1 / ZOOM_STEP) },
    { keys: ["0"], label: "Fit to the stage", group: "View", run: () => viewport.fit() },
    {
      keys: ["H"],
      label: "Preview the mask under the pointer",
      group: "View",
      run: () => changeDisplay(store, { hover: !client.hovering.on }),
    },
    {
      keys: ["\\"],
      label: "Compare without and with masks",
      group: "View",
      run: () => changeDisplay(store, { wipe: store.state.display.wipe === null ? 0.5 : null }),
    },
    {
      keys: ["Shift+M"],
      label: "Masks only",
      group: "View",
      run: () => changeDisplay(store, { masksOnly: !store.state.display.masksOnly }),
    },
    {
      keys: ["Shift+N"],
      label: "Names on the masks",
      group: "View",
      run: () => changeDisplay(store, { labels: !store.state.display.labels }),
    },
    {
      keys: ["Shift+Z"],
      label: "Minimap, when zoomed",
      group: "View",
      run: () => changeDisplay(store, { minimap: !store.state.display.minimap }),
    },
    {
      keys: ["Shift+R"],
      label: "Scale bar",
      group: "View",
      run: () => changeDisplay(store, { scaleBar: !showsScaleBar(store) }),
    },
  ];
}
