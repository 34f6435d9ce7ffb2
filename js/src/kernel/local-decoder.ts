/** The second bundle, which decodes masks in the page: what it is given, and what it gives. */

import { type Buffer, toBytes } from "./codecs";
import type { HoverPlace } from "./hovering";
import type { Message, Request } from "./protocol";

export interface LocalDecoder {
  /** Hear a message of the kernel, whatever it is. */
  receive(message: Message, buffers: Buffer[]): void;
  /** Decode the mask of a click, if that is possible by now. Only the newest counts. */
  decode(place: HoverPlace, label: number): void;
  close(): void;
}

export interface DecoderHost {
  view: string;
  send(request: Request): number;
  /** Size of a frame in pixels: width, height. */
  sizeOf(frame: number): [number, number];
  answer(place: HoverPlace, iou: number, runs: Uint32Array): void;
}

export type StartDecoder = (host: DecoderHost) => LocalDecoder;

/** Run the module that the kernel sent. */
export async function startDecoder(code: Buffer, host: DecoderHost): Promise<LocalDecoder> {
  const url = URL.createObjectURL(new Blob([toBytes(code)], { type: "text/javascript" }));
  try {
    return ((await import(url)).default as StartDecoder)(host);
  } finally {
    URL.revokeObjectURL(url);
  }
}
