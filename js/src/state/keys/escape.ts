/** What Escape does, in one order: the first that there is to leave is left, the rest stays. */

import type { Command } from "./keys";

export interface Leaving {
  /** As the help has it. */
  label: string;
  enabled: () => boolean;
  run: () => void;
}

/**
 * Commands of Escape. Before them, what has the focus and can be closed takes the key for itself: a
 * menu, the help, a name that is being typed.
 */
export function escapeCommands(order: Leaving[]): Command[] {
  return order.map((leaving) => ({ keys: ["Escape"], group: "General", ...leaving }));
}
