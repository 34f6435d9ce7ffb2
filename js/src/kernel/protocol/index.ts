/**
 * Checks the kernel's messages. Twin of sam2widget/bridge/protocol, which the types and the checks
 * of their fields come from.
 *
 * What happened goes in messages; what is current goes in traits. All coordinates are (x, y) in
 * pixels of the original frame; runs of frames are half-open. Pixels and masks travel in binary
 * buffers beside a message.
 */

import { isIndex, wrongField } from "./checks";
import { CHECKS } from "./message-checks";
import type { Message } from "./messages";

export * from "./messages";

/** A message that is none of these; the text says what is wrong with it. */
export class ProtocolError extends Error {}

/** Check a message of the kernel, which has `bufferCount` buffers. Throws ProtocolError. */
export function parse(content: unknown, bufferCount: number): Message {
  const message = (content ?? {}) as Message;
  const known = typeof message.type === "string" && Object.hasOwn(CHECKS, message.type);
  const checks = known ? CHECKS[message.type] : null;
  if (!checks)
    throw new ProtocolError(`The kernel sent a message of unknown type: ${show(message.type)}.`);
  const wrong = wrongField(message, { epoch: isIndex, ...checks });
  if (wrong)
    throw new ProtocolError(
      `In the kernel's message "${message.type}", ${wrong} is not what it should be: ` +
        `${show((message as unknown as Record<string, unknown>)[wrong])}.`,
    );
  const expected = buffersOf(message);
  if (bufferCount !== expected)
    throw new ProtocolError(
      `The kernel's message "${message.type}" has ${bufferCount} buffers instead of ${expected}.`,
    );
  return message;
}

function buffersOf(message: Message): number {
  switch (message.type) {
    case "masks":
      return message.masks.length;
    case "candidates":
      return message.ious.length;
    case "proposals":
      return message.proposals.length;
    case "levels":
      return message.channels.length;
    case "frame":
    case "region":
    case "thumbnail":
    case "preview":
    case "confidence":
    case "areas":
    case "chunk":
    case "decoder":
    case "decoder_part":
    case "features":
      return 1;
    default:
      return 0;
  }
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
