import type { Video } from "../../kernel/traits";
import { timecode } from "../../ui/durations";

/** When a frame was recorded or is shown, as in 0:01.24; empty where frames have no times. */
export function clockAt(video: Video, frame: number): string {
  const isTimed = video.interval_s > 0 && video.kind !== "images";
  return isTimed ? timecode(frame * video.interval_s) : "";
}
