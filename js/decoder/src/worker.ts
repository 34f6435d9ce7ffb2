/** Runs the mask decoder, in a thread of its own. */

import * as ort from "onnxruntime-web";
import type { FromWorker, Inputs, ToWorker } from "./exchange";
import { choose, toRuns, unpack } from "./masks";
import { Runner } from "./providers";

type Tensors = Record<string, ort.Tensor>;

const prepared = new Map<number, { inputs: Inputs; feeds: Tensors }>();
let runner: Runner<Tensors, Tensors> | null = null;
/** A network that has come before what runs it. */
let early: Uint8Array<ArrayBuffer> | null = null;
let work = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  work = work
    .then(() => carryOut(data))
    .catch((error) => tell({ type: "failed", text: `${error}` }));
};

async function carryOut(message: ToWorker): Promise<void> {
  switch (message.type) {
    case "start":
      // Several threads need a page that is isolated from others, which notebooks are not.
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmBinary = message.runtime;
      runner = new Runner<Tensors, Tensors>(
        message.choice,
        (provider, network) =>
          ort.InferenceSession.create(network, { executionProviders: [provider] }),
        (reason) => tell({ type: "runs_on", reason }),
      );
      if (early) await open(early);
      break;
    case "network":
      await open(new Uint8Array(message.network));
      break;
    case "features":
      prepared.set(message.key, { inputs: message.inputs, feeds: prepare(message) });
      break;
    case "forget":
      prepared.delete(message.key);
      break;
    case "decode":
      await decode(message);
  }
}

async function open(network: Uint8Array<ArrayBuffer>): Promise<void> {
  early = runner ? null : network;
  if (!runner) return;
  prepared.clear();
  await runner.open(network);
  tell({ type: "ready" });
}

function prepare({ inputs, maps }: ToWorker & { type: "features" }): Tensors {
  const { size, channels, has_mask } = inputs;
  const shapes: [string, number, number][] = [
    ["image_embed", channels, size / 16],
    ["high_res_feats_1", channels / 4, size / 8],
    ["high_res_feats_0", channels / 8, size / 4],
  ];
  if (has_mask) shapes.push(["mask_input", 1, size / 4]);
  const feeds: Tensors = {};
  let at = 0;
  for (const [name, depth, side] of shapes) {
    const values = unpack(maps, at, depth, side * side);
    feeds[name] = new ort.Tensor("float32", values, [1, depth, side, side]);
    at += depth * 4 + depth * side * side;
  }
  feeds.mask_input ??= new ort.Tensor("float32", new Float32Array((size / 4) ** 2), [
    1,
    1,
    size / 4,
    size / 4,
  ]);
  feeds.has_mask_input = new ort.Tensor("bool", [has_mask], [1]);
  return feeds;
}

async function decode(message: ToWorker & { type: "decode" }): Promise<void> {
  const { id, key, x, y, label, width, height } = message;
  const found = prepared.get(key);
  if (!runner || !found) return tell({ type: "failed", text: "The features are gone." });
  const { inputs, feeds } = found;
  const { size } = inputs;
  const labels = [...inputs.labels, label];
  const points = [...inputs.points, (x / width) * size, (y / height) * size];
  const outputs = await runner.run({
    ...feeds,
    point_coords: new ort.Tensor("float32", points, [1, labels.length, 2]),
    point_labels: new ort.Tensor("int64", BigInt64Array.from(labels, BigInt), [1, labels.length]),
  });
  if (!outputs) return tell({ type: "failed", text: "No network runs." });
  const numbers = (name: string) => (outputs[name] as ort.Tensor).data as Float32Array;
  const side = size / 4;
  const visible = (numbers("object_score_logits")[0] as number) > 0;
  const [index, iou] = choose(numbers("masks"), numbers("iou_predictions"), {
    cells: side * side,
    ambiguous: labels.length === 1,
  });
  const logits = numbers("masks").subarray(index * side * side, (index + 1) * side * side);
  const runs = visible ? toRuns(logits, side, width, height) : Uint32Array.of(width * height);
  for (const output of Object.values(outputs)) output.dispose();
  tell({ type: "decoded", id, iou, runs }, [runs.buffer]);
}

function tell(message: FromWorker, moved: ArrayBuffer[] = []): void {
  postMessage(message, { transfer: moved });
}
