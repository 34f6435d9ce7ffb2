/** What JupyterLab, Notebook 7 and Voila know of a widget's kernel. */

import type { KernelWatch } from "./liveness";

/** A server that does not answer for so long is not reached: 3 s after a way is lost, it is said. */
const REACH_MS = 1250;

interface Signal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

/** Of `IKernelConnection` what is needed here. */
interface Connection {
  status: string;
  connectionStatus: string;
  isDisposed: boolean;
  id: string;
  serverSettings: { baseUrl: string; token: string };
  statusChanged: Signal;
  connectionStatusChanged: Signal;
  disposed: Signal;
}

/**
 * Watch the kernel of a widget manager; undefined where the host does not say which it is.
 *
 * A kernel that was restarted is another one: it does not know the widget.
 */
export function watchKernel(manager: unknown): KernelWatch | undefined {
  const kernel = (manager as { kernel?: Partial<Connection> | null } | undefined)?.kernel;
  if (!isConnection(kernel)) return undefined;
  let over: "restarted" | "dead" | null = null;
  let connected = false;
  const look = () => {
    connected ||= kernel.connectionStatus === "connected";
    if (over === "dead") return;
    if (kernel.isDisposed || kernel.status === "dead" || kernel.status === "terminating")
      over = "dead";
    else if (kernel.status === "restarting" || kernel.status === "autorestarting")
      over = "restarted";
  };
  look();
  over = null; // what was before is no matter of a view that has just been made
  return {
    state() {
      if (over) return over;
      if (connected && kernel.connectionStatus !== "connected") return "unreachable";
      return null;
    },
    async reaches() {
      const { serverSettings, id } = kernel;
      if (!serverSettings?.baseUrl) return true; // nobody to ask
      const { baseUrl, token } = serverSettings;
      try {
        await fetch(`${baseUrl}api/kernels/${id}`, {
          headers: token ? { Authorization: `token ${token}` } : {},
          signal: AbortSignal.timeout(REACH_MS),
        });
        return true; // whatever it says
      } catch {
        return false;
      }
    },
    onChange(listener) {
      const changed = () => {
        look();
        listener();
      };
      const signals = [kernel.statusChanged, kernel.connectionStatusChanged, kernel.disposed];
      for (const signal of signals) signal.connect(changed);
      return () => {
        for (const signal of signals) signal.disconnect(changed);
      };
    },
  };
}

function isConnection(kernel: Partial<Connection> | null | undefined): kernel is Connection {
  const signals = [kernel?.statusChanged, kernel?.connectionStatusChanged, kernel?.disposed];
  return signals.every((signal) => typeof signal?.connect === "function");
}
