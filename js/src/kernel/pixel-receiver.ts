/** Masks and pictures from the kernel: decoded, and put into the store. */

import { sizeOf } from "../state/stage-state";
import type { Store } from "../state/store";
import type { Acknowledgements } from "./acknowledgements";
import { type Buffer, decodeJpeg, decodeRuns } from "./codecs";
import type { FrameLoader } from "./frame-loader";
import type {
  CandidatesMessage,
  FrameMessage,
  MasksMessage,
  ProposalsMessage,
  ThumbnailMessage,
} from "./protocol";

export class PixelReceiver {
  constructor(
    private readonly view: string,
    private readonly store: Store,
    private readonly frames: FrameLoader,
    private readonly acks: Acknowledgements,
    /** Of the kernel's session: pictures that are decoded in a later one are of no use. */
    private readonly epoch: () => number,
  ) {}

  /** Run lengths of a mask on a frame. */
  decode(frame: number, buffer: Buffer): Uint32Array {
    const [width, height] = sizeOf(this.store.state.video, frame);
    return decodeRuns(buffer, width * height);
  }

  receiveMasks(message: MasksMessage, buffers: Buffer[]): void {
    const awaited = this.frames.isAwaited(message.frame);
    if (awaited) this.acks.add(message.seq);
    else this.acks.hold(message.seq);
    const records = message.masks.map((entry, i) => ({
      ...entry,
      runs: this.decode(message.frame, buffers[i] as Buffer),
    }));
    this.store.putMasks(message.frame, records, message.complete, !awaited);
    this.frames.masksCame(message.frame);
  }

  receiveCandidates(message: CandidatesMessage, buffers: Buffer[]): void {
    const { frame, object, chosen, ious } = message;
    const { candidates } = this.store.state;
    const runs = buffers.map((buffer) => this.decode(frame, buffer));
    if (ious.length > 0) this.store.set("candidates", { frame, object, chosen, ious, runs });
    else if (candidates?.frame === frame && candidates.object === object)
      this.store.set("candidates", null);
  }

  receiveProposals({ frame, proposals }: ProposalsMessage, buffers: Buffer[]): void {
    this.store.putProposals(
      frame,
      proposals.map((entry, i) => ({ ...entry, runs: this.decode(frame, buffers[i] as Buffer) })),
    );
  }

  async receiveFrame(message: FrameMessage, jpeg: Buffer): Promise<void> {
    const epoch = this.epoch();
    const mine = message.reply_to.view === this.view;
    const isCurrent = () => epoch === this.epoch();
    const ahead = this.frames.isAhead(message.frame);
    if (!(await this.frames.receive(message, jpeg, mine, isCurrent))) return;
    // What is not to be seen yet is not waited for: that it is here and decoded is enough.
    if (ahead) this.acks.add(message.seq);
    else {
      this.acks.hold(message.seq);
      this.store.touch("frames");
    }
  }

  async receiveThumbnail({ frame }: ThumbnailMessage, jpeg: Buffer): Promise<void> {
    const epoch = this.epoch();
    const { look } = this.frames;
    // One that cannot be decoded is not worth an alarm: its place stays empty.
    const bitmap = await decodeJpeg(jpeg).catch(() => null);
    if (!bitmap) return;
    if (epoch !== this.epoch() || look !== this.frames.look) {
      bitmap.close();
      return;
    }
    this.store.thumbnails.set(frame, bitmap, bitmap.width * bitmap.height * 4);
    this.store.touch("thumbnails");
  }
}
