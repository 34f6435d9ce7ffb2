/** What runs the mask decoder: WebGPU where the browser has it, else WebAssembly. */

export type Provider = "webgpu" | "wasm";

/** A provider, and the sentence that tells of it. */
export interface Choice {
  provider: Provider;
  reason: string;
}

/** What of `navigator.gpu` is used, and of what it gives. */
export interface Gpu {
  requestAdapter(): Promise<{ info?: { isFallbackAdapter?: boolean } } | null>;
}

/** What of a session of ONNX Runtime is used. */
export interface Session<Feeds, Outputs> {
  run(feeds: Feeds): Promise<Outputs>;
  release(): Promise<void>;
}

/** Choose by what the page's browser has, before anything of a runtime is fetched. */
export async function chooseProvider(gpu: Gpu | undefined): Promise<Choice> {
  if (!gpu) return useWasm("there is no WebGPU in this browser, or for a page by plain http");
  try {
    const adapter = await gpu.requestAdapter();
    if (!adapter) return useWasm("WebGPU finds no graphics adapter");
    // The same CPU would compute, by a longer way.
    if (adapter.info?.isFallbackAdapter) return useWasm("WebGPU has an adapter in software only");
  } catch (error) {
    return useWasm(`WebGPU gives no adapter (${textOf(error)})`);
  }
  return { provider: "webgpu", reason: "Masks are decoded in this page by WebGPU." };
}

/** A network that runs by WebGPU for as long as that works, and by WebAssembly from then on. */
export class Runner<Feeds, Outputs> {
  private session: Session<Feeds, Outputs> | null = null;
  private network = new Uint8Array();

  constructor(
    private choice: Choice,
    private readonly create: (
      provider: Provider,
      network: Uint8Array,
    ) => Promise<Session<Feeds, Outputs>>,
    private readonly onChoice: (reason: string) => void,
  ) {}

  /** Take a network in place of the one before. Throws where WebAssembly cannot run it either. */
  async open(network: Uint8Array<ArrayBuffer>): Promise<void> {
    this.network = network;
    await this.release();
    try {
      this.session = await this.create(this.choice.provider, network);
    } catch (error) {
      await this.fallBack(error);
      return;
    }
    this.onChoice(this.choice.reason);
  }

  /** Run the network; null where there is none. */
  async run(feeds: Feeds): Promise<Outputs | null> {
    if (!this.session) return null;
    try {
      return await this.session.run(feeds);
    } catch (error) {
      await this.fallBack(error);
      return await this.session.run(feeds);
    }
  }

  private async fallBack(error: unknown): Promise<void> {
    if (this.choice.provider === "wasm") throw error;
    this.choice = useWasm(`WebGPU failed (${textOf(error)})`);
    await this.release();
    this.session = await this.create("wasm", this.network);
    this.onChoice(this.choice.reason);
  }

  private async release(): Promise<void> {
    const { session } = this;
    this.session = null;
    // One whose device is lost cannot be released, and need not be.
    await session?.release().catch(() => {});
  }
}

function useWasm(why: string): Choice {
  return { provider: "wasm", reason: `Masks are decoded in this page by WebAssembly: ${why}.` };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
