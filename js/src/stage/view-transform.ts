/** From pixels of the video to CSS pixels of the stage and back. */
export class ViewTransform {
  constructor(
    readonly scale: number,
    readonly offsetX = 0,
    readonly offsetY = 0,
  ) {}

  /** The whole video in a stage of the given width. */
  static fit(videoWidth: number, stageWidth: number): ViewTransform {
    return new ViewTransform(stageWidth / Math.max(videoWidth, 1));
  }

  toStage(x: number, y: number): [number, number] {
    return [x * this.scale + this.offsetX, y * this.scale + this.offsetY];
  }

  toVideo(x: number, y: number): [number, number] {
    return [(x - this.offsetX) / this.scale, (y - this.offsetY) / this.scale];
  }
}
