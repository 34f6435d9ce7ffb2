"""Picture files of every depth, and files of many pictures, against other readers and writers."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import imageio.v3 as iio
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image, ImageOps, WebPImagePlugin

from sam2_backend.video import Video, VideoError, open_video

RNG = np.random.default_rng(0)
H, W = 20, 30
DEEP = RNG.integers(100, 4000, (6, H, W)).astype(np.uint16)
GREY = RNG.integers(0, 256, (6, H, W)).astype(np.uint8)
COLORS = RNG.integers(0, 65536, (6, H, W, 3)).astype(np.uint16)
HYPER = RNG.integers(0, 4000, (3, 4, 2, H, W)).astype(np.uint16)
"""Times, planes, channels."""


def rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def check(video: Video, wanted: list[np.ndarray]) -> None:
    """Every frame's values, in order and then backwards."""
    assert len(video) == len(wanted)
    for t in (*range(len(wanted)), *reversed(range(len(wanted)))):
        values = video.raw(t)
        assert values.dtype == wanted[t].dtype
        np.testing.assert_array_equal(values, wanted[t])
        assert video[t].shape == (*video.size_hw(t), 3) and video[t].dtype == np.uint8


# TIFF


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd", "packbits"])
def test_stacks_of_16_bits(tmp_path: Path, compression: str | None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, compression=compression)
    check(open_video(tmp_path / "a.tif"), list(DEEP[..., None]))


@pytest.mark.parametrize("how", [{"bigtiff": True}, {"byteorder": ">"}])
def test_stacks_of_other_layouts(tmp_path: Path, how: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, **how)
    check(open_video(tmp_path / "a.tif"), list(DEEP[..., None]))


@pytest.mark.parametrize(
    "values",
    [
        *(DEEP.astype(np.int32) - 2000, DEEP.astype(np.uint32) * 10**6, DEEP / 7),
        *((DEEP / 7).astype(np.float32), (GREY.astype(np.int16) - 128).astype(np.int8)),
    ],
    ids=lambda values: str(values.dtype),
)
def test_stacks_of_other_types(tmp_path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    check(open_video(tmp_path / "a.tif"), list(values[..., None]))


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_of_16_bits_keep_their_bits(tmp_path: Path, planar: str) -> None:
    stored = COLORS if planar == "contig" else np.moveaxis(COLORS, -1, 1)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar)
    check(open_video(tmp_path / "a.tif"), list(COLORS))


def test_8_bit_stacks_are_colours(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "grey.tif", GREY)
    tifffile.imwrite(tmp_path / "white.tif", GREY, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "bits.tif", GREY > 99, photometric="minisblack")
    check(open_video(tmp_path / "grey.tif"), list(rgb(GREY)))
    check(open_video(tmp_path / "white.tif"), list(rgb(255 - GREY)))
    check(open_video(tmp_path / "bits.tif"), list(rgb((GREY > 99) * np.uint8(255))))


def test_many_channels_are_kept(tmp_path: Path) -> None:
    spectrum = RNG.integers(0, 60000, (H, W, 7)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", spectrum, photometric="minisblack", planarconfig="contig")
    video = open_video(tmp_path / "a.tif")
    check(video, [spectrum])
    assert video.contrast is not None and len(video.contrast.channels) == 7


@pytest.mark.parametrize("writer", ["ome", "imagej"])
def test_hyperstacks_go_by_time_and_say_which_plane(tmp_path: Path, writer: str) -> None:
    path = tmp_path / ("a.ome.tif" if writer == "ome" else "a.tif")
    tifffile.imwrite(path, HYPER, imagej=writer == "imagej", metadata={"axes": "TZCYX"})
    with pytest.warns(UserWarning, match="3 times and 4 planes.*plane 2 is shown"):
        video = open_video(path)
    check(video, [np.moveaxis(HYPER[t, 2], 0, -1) for t in range(3)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(open_video(path, plane=0), [np.moveaxis(HYPER[t, 0], 0, -1) for t in range(3)])
        most = [np.moveaxis(HYPER[t].max(0), 0, -1) for t in range(3)]
        check(open_video(path, plane="max"), most)
    with pytest.raises(VideoError, match="planes 0 to 3, got plane=9"):
        open_video(path, plane=9)


def test_a_stack_that_is_alone_in_its_folder_has_planes_too(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    tifffile.imwrite(tmp_path / "a" / "a.ome.tif", HYPER, metadata={"axes": "TZCYX"})
    first = open_video(tmp_path / "a", plane=0)
    check(first, [np.moveaxis(HYPER[t, 0], 0, -1) for t in range(3)])
    with pytest.warns(UserWarning, match="plane 2 is shown"):
        middle = open_video(tmp_path / "a")
    assert middle.identity() == open_video(tmp_path / "a" / "a.ome.tif", plane=2).identity()
    assert middle.identity() != first.identity()


def test_raw_pictures_of_cameras_are_said_to_be(tmp_path: Path) -> None:
    preview, sensor = rgb(GREY[0])[::4, ::4], DEEP[0]
    mosaic = {"photometric": "cfa", "extratags": [(33421, "H", 2, (2, 2), True)]}
    tifffile.imwrite(tmp_path / "mosaic.dng", sensor, **mosaic)
    with pytest.warns(UserWarning, match="sensor's behind its colour filter, shown as grey"):
        check(open_video(tmp_path / "mosaic.dng"), [sensor[..., None]])
    with tifffile.TiffWriter(tmp_path / "a.nef") as tiff:
        tiff.write(preview, photometric="rgb", subfiletype=1, subifds=1)
        tiff.write(preview, photometric="rgb", subfiletype=1)
    with pytest.raises(VideoError, match="no more than a preview, as raw pictures of cameras"):
        open_video(tmp_path / "a.nef")
    (tmp_path / "a.orf").write_bytes(b"IIRO\x08" + bytes(200))  # a CD's pictures to FFmpeg
    with pytest.raises(VideoError, match=r"it is a camera's raw picture\. Develop"):
        open_video(tmp_path / "a.orf")


def test_of_several_pictures_in_a_heic_the_first_is_shown_with_a_word(tmp_path: Path) -> None:
    several = pillow_heif.from_pillow(Image.fromarray(rgb(GREY[0])))
    several.add_from_pillow(Image.fromarray(rgb(GREY[1])))
    several.save(tmp_path / "a.heic")
    with pytest.warns(UserWarning, match="a.heic holds 2 pictures, of which the first is shown"):
        assert len(open_video(tmp_path / "a.heic")) == 1


def test_a_plane_without_times_is_a_picture(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "z.ome.tif", HYPER[0], metadata={"axes": "ZCYX"})
    check(open_video(tmp_path / "z.ome.tif", plane=1), [np.moveaxis(HYPER[0, 1], 0, -1)])
    check(open_video(tmp_path / "z.ome.tif", plane="max"), [np.moveaxis(HYPER[0].max(0), 0, -1)])
    tifffile.imwrite(tmp_path / "t.ome.tif", GREY, metadata={"axes": "TYX"})
    with pytest.raises(VideoError, match=r"plane=1 was given, but .*t.ome.tif has no planes"):
        open_video(tmp_path / "t.ome.tif", plane=1)


def test_depth_is_time_where_there_is_none(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", HYPER[0], metadata={"axes": "ZCYX"})
    check(open_video(tmp_path / "a.ome.tif"), [np.moveaxis(HYPER[0, z], 0, -1) for z in range(4)])


def test_axes_without_names_are_guessed_aloud(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", HYPER[:, 0], photometric="minisblack")
    with pytest.warns(UserWarning, match="axis 0 is taken for time and axis 1 for channels"):
        video = open_video(tmp_path / "a.tif")
    check(video, [np.moveaxis(HYPER[t, 0], 0, -1) for t in range(3)])


def test_a_stack_of_imagej_without_axes_is_a_video(tmp_path: Path) -> None:
    """Its writers call slices channels where nobody names them; ImageJ itself has seven at most,
    and shows channels one by one unless they are a composite."""
    tifffile.imwrite(tmp_path / "a.tif", DEEP, imagej=True)
    with pytest.warns(UserWarning, match="6 channels, shown one at a time, are taken for times"):
        check(open_video(tmp_path / "a.tif"), list(DEEP[..., None]))
    metadata = {"axes": "CYX", "mode": "composite"}
    tifffile.imwrite(tmp_path / "b.tif", DEEP, imagej=True, metadata=metadata)
    check(open_video(tmp_path / "b.tif"), [np.moveaxis(DEEP, 0, -1)])


def test_labels_and_speed_of_imagej_are_known(tmp_path: Path) -> None:
    labels = [f"t = {n} min" for n in range(6)]
    metadata = {"axes": "TYX", "Labels": labels, "fps": 7.0}
    tifffile.imwrite(tmp_path / "a.tif", DEEP, imagej=True, metadata=metadata)
    video = open_video(tmp_path / "a.tif")
    assert list(video.names or ()) == labels and video.fps == 7


def test_previews_are_no_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(DEEP[0], subifds=1)
        file.write(DEEP[0, ::2, ::2], subfiletype=1)
        file.write(GREY[0, ::4, ::4], subfiletype=1)
    check(open_video(tmp_path / "a.tif"), [DEEP[0, ..., None]])


def test_pages_of_several_sizes_are_pictures(tmp_path: Path) -> None:
    pages = [GREY[0], GREY[1, :10], GREY[2]]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in pages:
            file.write(page)
    with pytest.raises(VideoError, match=r"Page 1 of .* is 30x10.*kind='images'"):
        open_video(tmp_path / "a.tif")
    check(open_video(tmp_path / "a.tif", "images"), [rgb(page) for page in pages])


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "RGBA", "LA"])
def test_tiffs_of_pillow_look_as_pillow_shows_them(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray((COLORS[0] >> 8).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "a.tif")
    check(open_video(tmp_path / "a.tif"), [np.asarray(image.convert("RGB"))])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_followed_in_every_format(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pillow_heif.register_heif_opener()
    picture = Image.fromarray(np.kron(GREY[0] // 128 * 200, np.ones((8, 8), np.uint8)))
    for suffix in ("png", "webp", "jpg", "avif", "heic"):
        path = tmp_path / f"a.{suffix}"
        picture.convert("RGB").save(path, exif=exif, quality=95)
        with Image.open(path) as image:
            wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        check(open_video(path), [wanted])
    with Image.open(tmp_path / "a.png") as image:
        turned = np.asarray(ImageOps.exif_transpose(image))[..., 0]
    tags = [(274, "H", 1, orientation, True)]
    stored = np.asarray(picture)
    tifffile.imwrite(tmp_path / "8.tif", stored, extratags=tags)
    tifffile.imwrite(tmp_path / "16.tif", stored.astype(np.uint16) * 100, extratags=tags)
    exif[0x0112] = orientation  # a writer has taken it out
    picture.convert("P").save(tmp_path / "p.tif", exif=exif)
    check(open_video(tmp_path / "8.tif"), [rgb(turned)])
    check(open_video(tmp_path / "16.tif"), [turned[..., None].astype(np.uint16) * 100])
    check(open_video(tmp_path / "p.tif"), [rgb(turned)])


def test_without_imagecodecs_pillow_reads_what_it_keeps_whole(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "grey.tif", DEEP, compression="lzw")
    tifffile.imwrite(tmp_path / "color.tif", COLORS, compression="lzw", photometric="rgb")
    code = f"""
import sys
sys.modules["imagecodecs"] = None
import numpy as np
from sam2_backend.video import VideoError, open_video
video = open_video({str(tmp_path / "grey.tif")!r})
print(sum(int(video.raw(t).astype(int).sum()) * (t + 1) for t in range(len(video))))
try:
    open_video({str(tmp_path / "color.tif")!r}).raw(0)
except VideoError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    total, sentence = done.stdout.splitlines()
    assert int(total) == sum(int(DEEP[t].astype(int).sum()) * (t + 1) for t in range(6))
    assert 'pip install "sam2widget[microscopy]"' in sentence and "LZW" in sentence


# Pictures of many bits


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(values: np.ndarray) -> bytes:
    """A PNG of 16 bits, written by the specification."""
    height, width, samples = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[samples], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_pngs_of_16_bits_keep_their_bits(tmp_path: Path, samples: int) -> None:
    values = RNG.integers(0, 65536, (H, W, samples)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png_of(values))
    check(
        open_video(tmp_path / "a.png"), [values[..., : samples - 1 if samples in (2, 4) else None]]
    )


@pytest.mark.parametrize("magic", ["P2", "P3", "P5", "P6"])
@pytest.mark.parametrize("most", [1023, 65535])
def test_netpbm_of_16_bits_keeps_its_values(tmp_path: Path, magic: str, most: int) -> None:
    values = (COLORS[0] if magic in ("P3", "P6") else DEEP[0, ..., None]) & most
    head = f"{magic}\n# a comment\n{W} {H}\n{most}\n".encode()
    text = magic in ("P2", "P3")
    data = " ".join(map(str, values.ravel())).encode() if text else values.astype(">u2").tobytes()
    (tmp_path / "a.pgm").write_bytes(head + data)
    check(open_video(tmp_path / "a.pgm"), [values])


def test_jpeg_2000_of_16_bits_keeps_its_bits(tmp_path: Path) -> None:
    for name, values in ("a.jp2", COLORS[0]), ("b.jp2", DEEP[0]):
        data = imagecodecs.jpeg2k_encode(values, level=0, reversible=True)
        (tmp_path / name).write_bytes(data)
        check(open_video(tmp_path / name), [values.reshape(H, W, -1)])


def test_adobe_cmyk_is_not_inverted(tmp_path: Path) -> None:
    Image.new("CMYK", (W, H), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(open_video(tmp_path / "a.jpg")[0][0, 0].astype(int) - (255, 0, 0)).max() < 12


def test_palettes_and_transparency_are_read_without_a_warning(tmp_path: Path) -> None:
    palette = Image.fromarray(GREY[0]).convert("P")
    palette.info["transparency"] = bytes(range(256))
    palette.save(tmp_path / "a.png", transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(open_video(tmp_path / "a.png"), [rgb(GREY[0])])


def test_a_picture_of_pillow_with_more_bits_keeps_levels() -> None:
    ramp = Image.fromarray(np.tile(np.arange(0, 65536, 256, dtype=np.uint16), (8, 1)))
    assert len(np.unique(open_video([ramp])[0])) > 200


@pytest.mark.parametrize("suffix", ["heic", "avif"])
def test_pictures_of_phones_are_whole(tmp_path: Path, suffix: str) -> None:
    """Of some size: phones store them as grids of tiles."""
    pillow_heif.register_heif_opener()
    ramp = np.linspace(0, 255, 1500).astype(np.uint8)
    picture = rgb(np.tile(ramp, (1100, 1)))
    Image.fromarray(picture).save(tmp_path / f"a.{suffix}", quality=90)
    shown = open_video(tmp_path / f"a.{suffix}")[0]
    assert shown.shape == picture.shape
    assert np.abs(shown.astype(int) - picture).mean() < 3


# Animations


def test_apng_and_gif_are_composed_as_ffmpeg_does(tmp_path: Path) -> None:
    """Boxes over what was there, disposed of in each way."""
    frames = []
    for n in range(8):
        image = Image.new("RGBA", (W, H), (0, 40, 90, 255) if n == 0 else (0, 0, 0, 0))
        image.paste((200, 20 * n, 0, 255), (3 * n, 2, 3 * n + 6, 12))
        frames.append(image)
    frames[0].save(
        tmp_path / "a.png",
        save_all=True,
        append_images=frames[1:],
        duration=40,
        disposal=[0, 0, 1, 2, 0, 1, 0, 0],
        blend=[0, 1, 1, 1, 1, 1, 1, 1],
    )
    raw = ["-f", "rawvideo", "-pix_fmt", "rgba", "-fps_mode", "passthrough", "-"]
    command = ["ffmpeg", "-v", "error", "-f", "apng", "-i", str(tmp_path / "a.png"), *raw]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    rgba = np.frombuffer(told, np.uint8).reshape(-1, H, W, 4)
    video = open_video(tmp_path / "a.png")
    assert len(video) == len(rgba) == 8 and video.fps == pytest.approx(25)
    for t in (7, 0, 5, 1, 6, 2, 3, 4):
        opaque = rgba[t, ..., 3] == 255
        np.testing.assert_array_equal(video[t][opaque], rgba[t, ..., :3][opaque])


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif"])
def test_animations_are_videos_whatever_they_are_called(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.full((H, W, 3), 20 * n, np.uint8)) for n in range(10)]
    path = tmp_path / f"a.{suffix}"
    how = {} if suffix == "gif" else {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **how)
    path = path.rename(tmp_path / "a.jpg")
    video = open_video(path)
    assert (len(video), video.kind) == (10, "video") and video.fps == pytest.approx(20)
    for t in (9, 3, 4, 0, 8):
        assert np.abs(video[t].astype(int) - 20 * t).max() <= 3
    with pytest.raises(IndexError, match="no frame 10"):
        video[10]


def test_films_as_avif_are_read_also_where_imageio_has_read_pictures(tmp_path: Path) -> None:
    """It has Pillow read HEIF by pillow-heif, which once took AVIF over, too."""
    frames = [Image.fromarray(np.full((H, W, 3), 20 * n, np.uint8)) for n in range(4)]
    frames[0].save(tmp_path / "a.avif", save_all=True, append_images=frames[1:], duration=50)
    iio.imwrite(tmp_path / "a.png", rgb(GREY[0]))
    video = open_video(tmp_path / "a.avif")
    assert len(video) == 4 and video.fps == pytest.approx(20)


def test_each_frame_of_an_animation_is_composed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sam2_backend.video.pictures import animations

    monkeypatch.setattr(animations, "CACHE_BYTES", 3 * H * W * 3)
    frames = [Image.fromarray(RNG.integers(0, 256, (H, W, 3)).astype(np.uint8)) for _ in range(60)]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=40, lossless=True
    )
    video = open_video(tmp_path / "a.webp")
    composed: list[int] = []
    seek = WebPImagePlugin.WebPImageFile.seek
    monkeypatch.setattr(
        WebPImagePlugin.WebPImageFile,
        "seek",
        lambda self, frame: (composed.append(frame), seek(self, frame))[1],
    )
    for t in (*reversed(range(60)), *range(60)):
        np.testing.assert_array_equal(video[t], np.asarray(frames[t]))
    assert composed == list(range(60))


def test_uneven_durations_are_told(tmp_path: Path) -> None:
    frames = [Image.fromarray(rgb(one)) for one in GREY]
    durations = [40, 40, 40, 40, 40, 2000]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=durations)
    with pytest.warns(UserWarning, match="40 to 2000 ms: here each is shown for 40 ms"):
        assert open_video(tmp_path / "a.gif").fps == 25


def test_a_cut_animation_names_the_frame(tmp_path: Path) -> None:
    frames = [Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)) for _ in range(5)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=40)
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) * 2 // 3])
    video = open_video(tmp_path / "a.png")
    with pytest.raises(VideoError, match=r"Frame \d of .*a\.png cannot be read"):
        [video[t] for t in range(5)]


# Folders, names, and what is believed


def test_what_a_system_leaves_is_passed_over(tmp_path: Path) -> None:
    for n in range(3):
        Image.fromarray(rgb(GREY[n])).save(tmp_path / f"{n}.png")
        (tmp_path / f"._{n}.png").write_bytes(b"\0\5\x16\7Mac OS X")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a.png").mkdir()
    video = open_video(tmp_path)
    check(video, list(rgb(GREY[:3])))
    assert list(video.names or ()) == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize(
    "suffix", ["jfif", "jpe", "heic", "heif", "avif", "pgm", "jp2", "tga", "gif", "webp", "JPG"]
)
def test_every_kind_is_seen_in_a_folder(tmp_path: Path, suffix: str) -> None:
    pillow_heif.register_heif_opener()
    form = {"jfif": "JPEG", "jpe": "JPEG", "heic": "HEIF", "pgm": "PPM"}.get(suffix)
    for n in range(2):
        Image.fromarray(GREY[n]).save(tmp_path / f"{n}.{suffix}", format=form)
    assert len(open_video(tmp_path)) == 2


def test_content_counts_and_not_the_suffix(tmp_path: Path) -> None:
    Image.fromarray(rgb(GREY[0])).save(tmp_path / "a.jpg", format="PNG")
    Image.fromarray(rgb(GREY[0])).save(tmp_path / "a.mp4", format="PNG")
    tifffile.imwrite(tmp_path / "stack.png", DEEP)
    check(open_video(tmp_path / "a.jpg"), [rgb(GREY[0])])
    check(open_video(tmp_path / "a.mp4"), [rgb(GREY[0])])
    check(open_video(tmp_path / "stack.png"), list(DEEP[..., None]))
    make = "-f lavfi -i testsrc=size=64x48:rate=10 -t 1 -c:v mpeg4 -f mp4".split()  # noqa: SIM905
    subprocess.run(["ffmpeg", "-v", "error", *make, str(tmp_path / "film.png")], check=True)
    assert len(open_video(tmp_path / "film.png")) == 10


def test_folders_of_mixed_files_are_refused_by_name(tmp_path: Path) -> None:
    Image.fromarray(rgb(GREY[0])).save(tmp_path / "0.png")
    Image.fromarray(DEEP[1]).save(tmp_path / "1.png")
    with pytest.raises(VideoError, match=r"1\.png is 16-bit with 1 channel, but 0\.png is 8-bit"):
        open_video(tmp_path)
    pictures = open_video(tmp_path, "images")
    assert pictures[0].std() > 50 and len(np.unique(pictures[1])) > 100
    tifffile.imwrite(tmp_path / "2.tif", GREY)
    with pytest.raises(VideoError, match=r"2\.tif holds several frames") as refusal:
        open_video(tmp_path, "images")
    advice = re.search(r"open_video\('([^']+)'\)", str(refusal.value))
    assert advice is not None and Path(advice[1]).is_absolute()
    check(open_video(advice[1]), list(rgb(GREY)))


def test_a_folder_of_one_stack_is_the_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP)
    check(open_video(tmp_path), list(DEEP[..., None]))


def test_a_folder_of_files_of_channels_is_a_video_of_channels(tmp_path: Path) -> None:
    for t in range(3):
        tifffile.imwrite(tmp_path / f"t{t}.tif", HYPER[t, 0], imagej=True, metadata={"axes": "CYX"})
    check(open_video(tmp_path), [np.moveaxis(HYPER[t, 0], 0, -1) for t in range(3)])


def test_frames_and_their_masks_in_one_folder_are_told(tmp_path: Path) -> None:
    Image.fromarray(rgb(GREY[0])).save(tmp_path / "0.jpg")
    Image.fromarray(GREY[0]).save(tmp_path / "0.png")
    with pytest.warns(UserWarning, match=r"holds 0\.jpg, 0\.png: each is taken for a frame"):
        open_video(tmp_path)


@pytest.mark.parametrize("name", ["1.png", "1.tif", "1.webp", "1.avif", "1.heic"])
def test_a_damaged_file_in_a_folder_is_named(tmp_path: Path, name: str) -> None:
    pillow_heif.register_heif_opener()
    for n in range(3):
        Image.fromarray(rgb(GREY[n])).save(tmp_path / name.replace("1", str(n)))
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(VideoError, match=name.replace(".", r"\.")):
        video = open_video(tmp_path)
        [video[t] for t in range(3)]


# Size


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_huge_picture_is_opened_with_the_option_that_is_named(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"scan.{suffix}"
    if suffix == "png":
        Image.new("1", (20000, 9500)).save(path, compress_level=1)
    else:
        Image.new("1", (20000, 9500)).save(path, compression="group4")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(VideoError, match=r"190 megapixels.*give max_megapixels=190") as refusal:
        open_video(path)
    assert "attack" not in str(refusal.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        video = open_video(path, max_megapixels=190)
    assert (video.width, video.height) == (20000, 9500)
    assert before == Image.MAX_IMAGE_PIXELS


def test_orientation_after_the_pixels_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = io.BytesIO()
    Image.fromarray(rgb(GREY[0])).save(data, "PNG")
    raw = data.getvalue()
    end = raw.rindex(b"IEND") - 4
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "a.png").write_bytes(raw[:end] + chunk(b"eXIf", block) + raw[end:])
    check(open_video(tmp_path / "a.png"), [np.rot90(rgb(GREY[0]), -1)])


# What lies around, and what is broken


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_frames_of_tiff_that_are_kept_keep_no_file_open(tmp_path: Path) -> None:
    for n in range(60):
        tifffile.imwrite(tmp_path / f"{n}.tif", DEEP[n % 6])
    video = open_video(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    check(video, [DEEP[n % 6][..., None] for n in range(60)])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_what_programs_leave_beside_frames_is_passed_over(tmp_path: Path) -> None:
    for n in range(2):
        Image.fromarray(GREY[n]).save(tmp_path / f"{n}.png")
        for left in (f"._{n}.png", f"~${n}.png"):
            (tmp_path / left).write_bytes(b"\0\5\x16\7")
    check(open_video(tmp_path), [rgb(GREY[n]) for n in range(2)])
    with pytest.raises(VideoError, match=r"what a Mac keeps beside 0\.png: leave out"):
        open_video(sorted(tmp_path.glob("*.png")))


def test_data_with_faults_end_in_a_sentence_whatever_a_codec_raises(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, compression="zlib")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages.first.dataoffsets[0]
    data[at + 20 : at + 60] = bytes(40)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(VideoError, match=r"a\.tif cannot be read"):
        open_video(tmp_path / "a.tif").raw(0)


def test_palettes_of_16_bits_are_shown_by_their_values(tmp_path: Path) -> None:
    palette = np.stack([np.arange(65536, dtype=np.uint16)] * 3)
    tifffile.imwrite(tmp_path / "a.tif", DEEP, photometric="palette", colormap=palette)
    check(open_video(tmp_path / "a.tif"), list(DEEP[..., None]))


def test_a_video_in_a_list_of_pictures_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(40))
    with pytest.raises(VideoError, match=r"a\.mp4 is no picture: a list holds the frames"):
        open_video([tmp_path / "a.mp4"])
    Image.fromarray(GREY[0]).save(tmp_path / "a.pcx")
    check(open_video([tmp_path / "a.pcx"]), [rgb(GREY[0])])


def test_a_name_too_long_for_the_system_is_refused_with_a_sentence() -> None:
    with pytest.raises(VideoError, match=r"cannot be opened \(File name too long\)"):
        open_video("x" * 5000)
