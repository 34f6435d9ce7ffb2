"""Session files: what is written is read, and what cannot be read is refused with a sentence."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import tracemalloc
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2_backend.video import Channel, Contrast, open_video
from sam2_backend.video.options import OpenOptions
from sam2widget import SessionError, read_session
from sam2widget.annotation.records import ObjectInfo, Result
from sam2widget.annotation.session import Session
from sam2widget.core.masks import Mask
from sam2widget.core.masks.logits import MAX_SIDE, MaskLogits
from sam2widget.models.segmenter import Point, Prediction, PromptSet
from sam2widget.storage import session_file
from sam2widget.storage.fingerprint import Fingerprint
from sam2widget.storage.saved_session import SavedSession, settings_of
from sam2widget.storage.session_file import write_session
from tests.support.fakes import DiscSegmenter, SureSegmenter

FRAMES, HEIGHT, WIDTH = 12, 9, 14
VIDEO = open_video(
    np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
)
FINGERPRINT = Fingerprint.of(VIDEO)
WRITTEN_BY_0_1 = Path(__file__).parents[3] / "tests" / "fixtures" / "sessions" / "0.1.sam2.zip"
SURE = {1: 2.0, 2: 3.0, 3: 1.0}
"""How sure a model is of each object: which has a pixel that two claim."""
DAMAGED = "cannot be read as a session file"


def mask(seed: int) -> Mask:
    """0 gives an empty mask, 1 a full one, the others noise."""
    rng = np.random.default_rng(seed)
    return Mask.from_array(rng.random((HEIGHT, WIDTH)) < {0: 0.0, 1: 1.0}.get(seed, 0.4))


def logits(seed: int) -> MaskLogits:
    """0 gives those of an empty mask."""
    rng = np.random.default_rng(seed)
    return MaskLogits.pack(rng.normal(0.0 if seed else -60.0, 9, (24, 32)).astype(np.float32))


def saved_session(**changes: object) -> SavedSession:
    """With one of everything."""
    clicked = PromptSet((Point(3.25, 4.5, 1), Point(0, 9, 0)), (1.5, 2, 8, 9))
    saved = SavedSession(
        video=FINGERPRINT,
        video_path="/videos/dög.mp4",
        model="disc",
        model_source="nano",
        objects=(ObjectInfo(1, "Dög 🐕", "#2f7ff5"), ObjectInfo(7, "Ball", "#00ff00", False)),
        prompts={(1, 2): clicked, (7, 0): PromptSet(mask=mask(5))},
        results={
            (1, 2): Result(mask(2), 4.75, 0.1 + 0.2, "prompt", corrected=mask(3), logits=logits(1)),
            (1, 3): Result(mask(3), -1e-9, 1.0, "track", "stale", logits=logits(2)),
            (1, 4): Result(mask(0), -5, 0, "track", "accepted", logits=logits(0)),
            (7, 0): Result(mask(5), 5, 0.9, "import"),
            (7, 11): Result(mask(1), 5, 0.9, "edit", "accepted"),
        },
        frame=3,
        selected=7,
    )
    return replace(saved, **changes)


RESULT = Result(mask(2), 4.75, 0.9, "track")


def comparable(saved: SavedSession) -> SavedSession:
    """Without the version of the library, which the file adds."""
    return replace(saved, library="")


def logits_of(saved: SavedSession) -> dict[tuple[int, int], MaskLogits | None]:
    """Which two results may differ in and be equal."""
    return {key: one.logits for key, one in saved.results.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "dog.sam2.zip"
    write_session(path, saved_session())
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, changed: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in changed.items():
            archive.writestr(name, content)


def edit_document(path: Path, change) -> None:
    """Change `session.json` in a file; `change` is given the document."""
    contents = members(path)
    document = json.loads(contents["session.json"])
    change(document)
    rewrite(path, {**contents, "session.json": json.dumps(document).encode()})


def edit_array(path: Path, name: str, change) -> None:
    contents = members(path)
    rows = np.load(io.BytesIO(contents[name]))
    changed = change(rows)
    buffer = io.BytesIO()
    np.save(buffer, rows if changed is None else changed)
    rewrite(path, {**contents, name: buffer.getvalue()})


# What is written is read


def test_what_others_have_of_a_mask_and_the_switches_come_back(tmp_path: Path) -> None:
    results = dict(saved_session().results)
    results[1, 3] = replace(results[1, 3], whole=mask(4))
    saved = saved_session(results=results, clean_masks=0.02, non_overlapping=True)
    write_session(tmp_path / "a.sam2.zip", saved)
    found = read_session(tmp_path / "a.sam2.zip")
    assert comparable(found) == saved and found.results[1, 3].whole == mask(4)


def test_a_file_of_before_says_nothing_of_overlaps_and_goes_on_as_it_was(path: Path) -> None:
    def older(document) -> None:
        del document["masks"], document["whole"]

    edit_document(path, older)
    found = read_session(path)
    assert found.clean_masks is None and found.non_overlapping is None
    assert settings_of(found) == {"clean_masks": 0.01, "non_overlapping": False}
    assert settings_of(found, False, True) == {"clean_masks": 0.0, "non_overlapping": True}
    assert settings_of(None) == {"clean_masks": 0.01, "non_overlapping": True}


def test_everything_comes_back(path: Path) -> None:
    found = read_session(path)
    assert comparable(found) == saved_session()
    assert logits_of(found) == logits_of(saved_session())
    assert sum(one is not None for one in logits_of(found).values()) == 3


def test_a_path_that_is_no_unicode_comes_back(tmp_path: Path) -> None:
    saved = saved_session(video_path="/videos/d\udcff.mp4")
    write_session(tmp_path / "a.sam2.zip", saved)
    assert comparable(read_session(tmp_path / "a.sam2.zip")) == saved


def test_text_that_is_no_unicode_is_refused_where_it_names_a_field(path: Path) -> None:
    edit_document(path, put("\udcff", value=1))
    with pytest.raises(SessionError, match=f"{DAMAGED}.*no Unicode"):
        read_session(path)


def test_the_file_says_which_version_wrote_it(path: Path) -> None:
    assert read_session(path).library == session_file.__version__


@pytest.mark.parametrize(
    "options",
    [OpenOptions("ZYX", 3, 1000.5), OpenOptions(plane="max"), OpenOptions(max_megapixels=math.inf)],
)
def test_how_the_video_was_opened_comes_back(tmp_path: Path, options: OpenOptions) -> None:
    write_session(tmp_path / "a.sam2.zip", saved_session(options=options))
    assert read_session(tmp_path / "a.sam2.zip").options == options


def test_a_file_that_does_not_say_how_the_video_was_opened_is_read(path: Path) -> None:
    def change(document) -> None:
        for name in ("axes", "plane", "max_megapixels"):
            del document["video"][name]

    edit_document(path, change)
    assert read_session(path).options == OpenOptions()


def test_a_file_that_version_0_1_wrote_is_read(tmp_path: Path) -> None:
    found = read_session(WRITTEN_BY_0_1)
    results = dict(saved_session().results)
    results[1, 3] = replace(results[1, 3], whole=mask(4))
    assert found == saved_session(
        video=replace(FINGERPRINT, thumbs=found.video.thumbs),
        results=results,
        clean_masks=0.02,
        non_overlapping=True,
        contrast=Contrast((Channel(1.5, 200, 0.5, "#ff0000", False),)),
        options=OpenOptions("ZYX", 3, 1000.5),
        library="0.1.0",
    )
    assert found.video.thumbs.keys() == FINGERPRINT.thumbs.keys()
    write_session(tmp_path / "again.sam2.zip", found)
    assert comparable(read_session(tmp_path / "again.sam2.zip")) == comparable(found)


def test_an_empty_session_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "empty.sam2.zip"
    empty = SavedSession(FINGERPRINT, None, "", None, (), {}, {})
    write_session(path, empty)
    assert comparable(read_session(path)) == empty


keys = st.tuples(st.integers(1, 4), st.integers(0, FRAMES - 1))
masks = st.integers(0, 9).map(mask)
finite = st.floats(allow_nan=False, allow_infinity=False)
points = st.builds(Point, st.floats(0, WIDTH), st.floats(0, HEIGHT), st.sampled_from([0, 1]))
boxes = st.builds(
    lambda x, y, w, h: (x, y, x + w, y + h),
    *(st.floats(0, WIDTH / 2), st.floats(0, HEIGHT / 2)),
    *(st.floats(0.5, WIDTH / 2), st.floats(0.5, HEIGHT / 2)),
)
prompt_sets = st.builds(
    PromptSet, st.lists(points, max_size=4).map(tuple), st.none() | boxes, st.none() | masks
).filter(bool)
results = st.builds(
    Result,
    *(masks, finite, finite),
    st.sampled_from(["prompt", "track", "edit", "import"]),
    st.sampled_from(["fresh", "stale", "accepted"]),
    st.none() | masks,
    logits=st.none() | st.integers(0, 9).map(logits),
)


@st.composite
def sessions(draw) -> SavedSession:
    prompts = draw(st.dictionaries(keys, prompt_sets, max_size=5))
    found = draw(st.dictionaries(keys, results, max_size=12))
    found.update({key: draw(results) for key in prompts if key not in found})
    names = st.text(min_size=1).filter(str.strip)
    objects = tuple(
        ObjectInfo(obj, draw(names), f"#{draw(st.integers(0, 0xFFFFFF)):06x}", draw(st.booleans()))
        for obj in sorted({obj for obj, _ in found} | draw(st.sets(st.integers(1, 9))))
    )
    return SavedSession(
        *(FINGERPRINT, draw(st.none() | st.text()), draw(st.text()), draw(st.none() | st.text())),
        *(objects, prompts, found, draw(st.integers(0, FRAMES - 1))),
        draw(st.sampled_from([0, *(info.id for info in objects)])),
    )


@settings(max_examples=60, deadline=None)
@given(saved=sessions())
def test_any_session_comes_back(saved: SavedSession, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("any") / "any.sam2.zip"
    write_session(path, saved)
    found = read_session(path)
    assert comparable(found) == saved and logits_of(found) == logits_of(saved)


def refilled(session: Session, path: Path) -> Session:
    """A session written, read and put into another, which has another model."""
    saved = replace(
        saved_session(),
        objects=tuple(session.objects),
        prompts=session.all_prompts,
        results=session.all_results,
        selected=0,
    )
    write_session(path, saved)
    again = read_session(path)
    other = Session(FRAMES, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE))
    other.fill(again.objects, again.prompts, again.results)
    return other


def test_what_a_model_gives_on_a_grid_of_any_size_is_read_again(tmp_path: Path) -> None:
    class Fine(SureSegmenter):
        def _with_logits(self, obj: int, prediction: Prediction) -> Prediction:
            found = super()._with_logits(obj, prediction)
            return replace(found, logits_hw=np.ones((MAX_SIDE + obj - 1, 2), np.float32))

    session = Session(FRAMES, HEIGHT, WIDTH, Fine(HEIGHT, WIDTH, SURE))
    for obj in (1, 2):
        session.add_point(0, 3, 3, 1, obj)
    other = refilled(session, tmp_path / "session.sam2.zip")
    assert [other.all_results[obj, 0].logits is None for obj in (1, 2)] == [False, True]


moves = st.lists(
    st.tuples(
        st.sampled_from(["point", "box", "mask", "accept", "propagate", "clear", "remove"]),
        st.integers(1, 3),
        st.integers(0, FRAMES - 1),
    ),
    max_size=12,
)


def play(session: Session, moves: list[tuple[str, int, int]]) -> None:
    """Make moves, as far as they can be made."""
    for move, obj, frame in moves:
        try:
            if move == "point":
                session.add_point(frame, frame + 0.5, obj + 0.5, 1, obj)
            elif move == "box":
                session.add_box(frame, frame, obj, frame + 3, obj + 3, obj)
            elif move == "mask":
                session.add_mask(frame, mask(frame).to_array(), obj)
            elif move == "accept":
                session.accept(obj, frame, frame + 2)
            elif move == "clear":
                session.clear_prompts(frame, obj)
            elif move == "remove":
                session.remove_object(obj)
            else:
                for _ in zip(range(frame), session.propagate(), strict=False):
                    pass
        except SessionError:
            pass


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(before=moves, after=moves)
def test_work_goes_on_as_if_nothing_had_been_saved(before, after, tmp_path_factory) -> None:
    session = Session(FRAMES, HEIGHT, WIDTH, SureSegmenter(HEIGHT, WIDTH, SURE))
    play(session, before)
    other = refilled(session, tmp_path_factory.mktemp("go_on") / "session.sam2.zip")
    assert other.last_edit is None
    for each in session, other:
        play(each, [*after, ("propagate", 1, FRAMES)])
    assert other.objects == session.objects
    assert other.all_prompts == session.all_prompts
    assert other.all_results == session.all_results


def test_only_an_empty_session_is_filled(path: Path) -> None:
    saved = read_session(path)
    session = Session(FRAMES, HEIGHT, WIDTH, DiscSegmenter(HEIGHT, WIDTH))
    session.add_point(0, 3, 3)
    before = session.all_results
    with pytest.raises(SessionError, match="empty session"):
        session.fill(saved.objects, saved.prompts, saved.results)
    assert session.all_results == before
    assert [info.id for info in session.objects] == [1]


# Writing


def test_the_same_session_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    write_session(tmp_path / "again.zip", saved_session())
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_a_mask_is_written_once_however_often_it_is_used(tmp_path: Path) -> None:
    one = mask(4)
    same = {(1, t): Result(Mask(*one.shape, bytes(one.runs)), 1, 1, "track") for t in range(FRAMES)}
    path = tmp_path / "one.zip"
    write_session(path, saved_session(prompts={}, results=same))
    sizes = np.load(io.BytesIO(members(path)["mask_sizes.npy"]))
    assert len(sizes) == 1


def test_numpy_reads_the_arrays_without_pickle(path: Path) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["results"]["state"].tolist().count(b"accepted") == 2
        assert arrays["mask_runs"].dtype == np.uint32
        assert not any(arrays[name].dtype.hasobject for name in ("results", "mask_sizes"))


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failed_write_leaves_the_earlier_file(path: Path, monkeypatch, step: str) -> None:
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(SessionError, match="No space left on device"):
        write_session(path, saved_session(frame=0))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_write_replaces_the_earlier_file_and_leaves_nothing_else(path: Path) -> None:
    write_session(path, saved_session(frame=0))
    assert read_session(path).frame == 0
    assert os.listdir(path.parent) == [path.name]


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "latest.sam2.zip"
    link.symlink_to(path)
    write_session(link, saved_session(frame=0))
    assert link.is_symlink()
    assert read_session(path).frame == 0


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.sam2.zip"
    write_session(path, saved_session(frame=0))
    assert read_session(path).frame == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("a file")
    with pytest.raises(SessionError, match=r"could not be written to .*notes.*may be written to"):
        write_session(tmp_path / "notes" / "x.sam2.zip", saved_session())


# Bad files


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"absent\.zip cannot be opened \(No such file"):
        read_session(tmp_path / "absent.zip")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="cannot be opened"):
        read_session(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"\x89PNG\r\n" + bytes(200)])
def test_what_is_no_zip_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SessionError, match=f"{DAMAGED}: it is no zip archive"):
        read_session(path)


def test_another_zip_is_refused(path: Path) -> None:
    rewrite(path, {"word/document.xml": b"<w/>"})
    with pytest.raises(SessionError, match=r"lacks 'session\.json', so it is another kind"):
        read_session(path)


def test_every_truncation_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(SessionError, match=DAMAGED):
            read_session(path)


def test_a_flipped_bit_is_refused_or_does_not_matter(path: Path) -> None:
    content = path.read_bytes()
    refused = 0
    rng = np.random.default_rng(0)
    for bit in rng.choice(8 * len(content), 1500, replace=False):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        try:
            again = read_session(path)
        except SessionError:
            refused += 1
        else:
            assert comparable(again) == saved_session()
    assert refused > 1000


@pytest.mark.parametrize("name", ["../evil.npy", "/etc/evil", "a/../../b", "..\\evil", "C:\\evil"])
def test_a_name_that_leads_outside_is_refused(path: Path, name: str) -> None:
    rewrite(path, {**members(path), name: b""})
    with pytest.raises(SessionError, match="a place outside itself"):
        read_session(path)


def test_members_that_do_not_belong_are_named(path: Path) -> None:
    rewrite(path, {**members(path), "masks.pkl": b""})
    with pytest.raises(SessionError, match=r"holds 'masks\.pkl', which does not belong"):
        read_session(path)


@pytest.mark.parametrize("name", [one for one in session_file._NAMES if one != "session.json"])
def test_missing_members_are_named(path: Path, name: str) -> None:
    contents = members(path)
    del contents[name]
    rewrite(path, contents)
    with pytest.raises(SessionError, match=f"lacks '{name}'"):
        read_session(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("session.json", "{}")
    with pytest.raises(SessionError, match="holds a member twice"):
        read_session(path)


def bomb(path: Path, unpacked: int) -> None:
    contents = members(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            if name != "mask_runs.npy":
                archive.writestr(name, content)
        with archive.open("mask_runs.npy", "w") as member:
            for _ in range(unpacked // 2**20):
                member.write(bytes(2**20))


def test_a_bomb_is_refused_before_it_is_unpacked(path: Path) -> None:
    bomb(path, 64 * 2**20)
    tracemalloc.start()
    with pytest.raises(SessionError, match=r"unpacks to 67,1.*more than the 1,048,576.*max_bytes"):
        read_session(path, max_bytes=2**20)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_what_packs_as_masks_do_is_read_however_large_and_a_bomb_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_file, "MAX_BYTES", 1000)
    assert comparable(read_session(path)) == saved_session()
    bomb(path, 2**20)
    with pytest.raises(SessionError, match=r"unpacks to 1,\d{3},\d{3} bytes.*max_bytes"):
        read_session(path)


def test_a_bomb_that_understates_its_size_is_not_unpacked_either(path: Path) -> None:
    size = 64 * 2**20 + 2**20
    bomb(path, size)
    content = path.read_bytes()
    packed = size.to_bytes(4, "little")
    assert packed in content
    path.write_bytes(content.replace(packed, (1000).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(SessionError, match=DAMAGED):
        read_session(path, max_bytes=2**20)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_newer_version_asks_for_an_update(path: Path) -> None:
    contents = members(path)
    document = json.loads(contents["session.json"])
    # What else there is in it, an older reader cannot know.
    newer = session_file.VERSION + 1
    document = {"format": document["format"], "version": newer, "new": True}
    rewrite(path, {"session.json": json.dumps(document).encode(), "new.bin": b"?"})
    sentence = rf"of version {newer}.*reads versions up to {newer - 1}: update it"
    with pytest.raises(SessionError, match=sentence):
        read_session(path)


def test_earlier_versions_go_through_each_migration(path: Path, monkeypatch) -> None:
    steps = []

    def migration(version: int):
        def migrate(contents: dict[str, bytes]) -> dict[str, bytes]:
            steps.append(version)
            document = json.loads(contents["session.json"])
            document["view"]["frame"] += 1
            return {**contents, "session.json": json.dumps(document).encode()}

        return migrate

    present = session_file.VERSION
    later = present, present + 1
    monkeypatch.setattr(session_file, "VERSION", present + 2)
    monkeypatch.setattr(session_file, "MIGRATIONS", {n: migration(n) for n in later})
    assert read_session(path).frame == saved_session().frame + 2
    assert steps == list(later)


def test_each_version_before_the_present_has_its_migration() -> None:
    assert sorted(session_file.MIGRATIONS) == list(range(1, session_file.VERSION))


def put(*keys, value):
    """A change of a document: set what is at `keys`."""

    def change(document) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def drop(*keys):
    def change(document) -> None:
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


WHOLE = {"object": 1, "frame": 9, "mask": 0}
BAD_DOCUMENTS = [
    (put("format", value="other"), "'format' is 'other'"),
    (put("version", value=0), "'version' is 0, expected a whole number from 1"),
    (put("version", value="1"), "'version' is '1'"),
    (put("version", value=True), "'version' is True"),
    (drop("video"), "'video' is missing"),
    (put("video", value=[]), r"'video' is \[\], expected an object"),
    (put("video", "num_frames", value=0), r"'video\.num_frames' is 0"),
    (put("video", "width", value=10**9), r"'video\.width' is 1000000000, expected .* to 1048576"),
    (put("video", "width", value=WIDTH + 1), "mask 0 in it is wrong"),
    (put("video", "path", value=3), r"'video\.path' is 3, expected text"),
    (put("video", "axes", value=3), r"'video\.axes' is 3, expected text"),
    (put("video", "plane", value=-1), r"'video\.plane' is -1"),
    (put("video", "plane", value="most"), r"'video\.plane' is 'most'"),
    (put("video", "max_megapixels", value="x"), "expected 1 number"),
    (put("video", "thumbs", 0, "rgb", value="AAAA"), "thumbnail in it has 3 bytes, not 768"),
    (put("video", "thumbs", 0, "rgb", value="*"), "no base64"),
    (put("video", "thumbs", 0, "frame", value=FRAMES), r"'video\.thumbs\[0\]\.frame' is 12"),
    (put("view", "frame", value=FRAMES), r"'view\.frame' is 12, expected .* from 0 to 11"),
    (put("view", "selected", value=3), r"'view\.selected' is 3, but there is no such object"),
    (put("objects", 0, "id", value=0), r"'objects\[0\]\.id' is 0"),
    (put("objects", 1, "id", value=1), "'objects' names an id twice"),
    (put("objects", 0, "name", value=" "), r"'objects\[0\]\.name' is ' '"),
    (put("objects", 0, "color", value="red"), r"'objects\[0\]\.color' is 'red'"),
    (put("objects", 0, "visible", value=1), r"'objects\[0\]\.visible' is 1, expected true or"),
    (put("prompts", 0, "object", value=2), r"'prompts\[0\]' is of object 2"),
    (put("prompts", 0, "frame", value=99), r"'prompts\[0\]' is of frame 99, but .* 0 to 11"),
    (put("prompts", 0, "frame", value=5), "object 1 has prompts on frame 5, but no mask"),
    (put("prompts", 1, "object", value=1), r"'prompts\[1\]' is|object 1 has prompts on frame 0"),
    (put("prompts", 0, "points", 0, value=[WIDTH + 1, 2, 1]), r"'prompts\[0\]\.points\[0\]' is"),
    (put("prompts", 0, "points", 0, value=[1, 2, 2]), r"'prompts\[0\]\.points\[0\]' is \[1, 2, 2"),
    (put("prompts", 0, "points", 0, value=[1, 2]), "expected 3 numbers"),
    (put("prompts", 0, "points", 0, value=[1, float("nan"), 1]), "expected 3 numbers"),
    (put("prompts", 0, "points", 0, value=[1, 10**400, 1]), "expected 3 numbers"),
    (put("prompts", 0, "box", value=[5, 5, 5, 6]), r"'prompts\[0\]\.box' is"),
    (put("prompts", 1, "mask", value=99), r"'prompts\[1\]\.mask' is 99"),
    (put("prompts", 1, "mask", value=-1), "neither points nor a box nor a mask"),
    (put("video", "sizes", value=[[0, 1]]), r"'video\.sizes\[0\]' is \[0, 1\], expected 2 whole"),
    (put("video", "sizes", value=[]), r"'video\.sizes' names 0 sizes, but there are 12"),
    (put("prompts", 0, "candidate", value=3), r"'prompts\[0\]\.candidate' is 3, expected .* to 2"),
    (drop("objects", 0, "name"), r"'objects\[0\]\.name' is missing"),
    (put("contrast", value={"channels": []}), r"'contrast\.channels' is empty"),
    (put("masks", value=3), "'masks' is 3, expected an object"),
    (put("masks", "clean", value=-0.5), r"'masks\.clean' is -0.5, expected a number from 0 up"),
    (put("masks", "non_overlapping", value=1), r"'masks\.non_overlapping' is 1, expected true"),
    (put("whole", value=[WHOLE]), r"'whole\[0\]' is of object 1 on frame 9, without a mask"),
    (put("whole", value=[{**WHOLE, "frame": 3, "mask": 99}]), r"'whole\[0\]\.mask' is 99"),
]


@pytest.mark.parametrize("change, sentence", BAD_DOCUMENTS)
def test_a_wrong_value_is_named_with_its_place(path: Path, change, sentence: str) -> None:
    edit_document(path, change)
    with pytest.raises(SessionError, match=f"{DAMAGED}.*{sentence}"):
        read_session(path)


def set_field(field: str, value):
    def change(rows) -> None:
        rows[field][1] = value

    return change


BAD_RESULTS = [
    (set_field("object", 9), r"'results\[1\]' is of object 9"),
    (set_field("frame", -1), r"'results\[1\]' is of frame -1"),
    (set_field("frame", 2), r"'results\[1\]' repeats object 1 on frame 2"),
    (set_field("score", np.nan), "expected a finite score"),
    (set_field("iou", np.inf), "expected a finite score and IoU"),
    (set_field("source", b"guess"), r"'results\[1\]\.source' is 'guess', expected one of"),
    (set_field("state", b""), r"'results\[1\]\.state' is ''"),
    (set_field("mask", -1), r"'results\[1\]' has no mask"),
    (set_field("mask", 99), r"'results\[1\]\.mask' is 99"),
    (set_field("corrected", -2), r"'results\[1\]\.corrected' is -2"),
    (lambda rows: rows["score"], r"holds float64 of shape \(5,\), expected"),
    (lambda rows: rows[None], r"of shape \(1, 5\), expected"),
    (lambda rows: rows["score"].astype(object), "holds object of shape"),
]


@pytest.mark.parametrize("change, sentence", BAD_RESULTS)
def test_a_wrong_result_is_named_with_its_place(path: Path, change, sentence: str) -> None:
    edit_array(path, "results.npy", change)
    with pytest.raises(SessionError, match=f"{DAMAGED}.*{sentence}"):
        read_session(path)


BAD_LOGITS = [
    (set_field("result", -1), r"'logits\[1\]\.result' is -1: there are 5 results"),
    (set_field("result", 0), r"'logits\[1\]\.result' is 0: .* in ascending order"),
    (set_field("result", 5), r"'logits\[1\]\.result' is 5"),
    (set_field("height", 0), r"'logits\[1\]' is wrong \(a grid of 0x32\)"),
    (set_field("width", 2**20), "a grid of 24x1048576"),
    (set_field("box", (0, 0, 25, 1)), r"cells \(0, 0, 25, 1\) of a grid of 24x32"),
    (set_field("box", (4, 0, 3, 1)), r"cells \(4, 0, 3, 1\)"),
    (set_field("box", (0, 0, 2, 2)), r"\d cells or other data, for 4 cells"),
    (set_field("num_bytes", -1), r"'logits\.npy' counts \d+ bytes, but"),
    (set_field("num_bytes", 2**62), r"'logits\.npy' counts \d+ bytes, but"),
    (lambda rows: rows["width"], "holds int32 of shape"),
]


@pytest.mark.parametrize("change, sentence", BAD_LOGITS)
def test_wrong_logits_are_named_with_their_place(path: Path, change, sentence: str) -> None:
    edit_array(path, "logits.npy", change)
    with pytest.raises(SessionError, match=f"{DAMAGED}.*{sentence}"):
        read_session(path)


@pytest.mark.parametrize(
    ("packed", "sentence"),
    [
        (b"what", "cells that cannot be unpacked"),
        (zlib.compress(bytes(5)), "5 cells or other data, for 6 cells"),
        (zlib.compress(bytes(6)) + b"?", "6 cells or other data, for 6 cells"),
        (zlib.compress(bytes(6))[:-2], "6 cells or other data, for 6 cells"),
        (zlib.compress(b"\x80" * 6), "a step beyond 127"),
        (zlib.compress(bytes(2**26)), "7 cells or other data, for 6 cells"),
    ],
)
def test_logits_of_other_makers_are_refused_and_bombs_stay_packed(
    path: Path, packed: bytes, sentence: str
) -> None:
    made = MaskLogits(24, 32, (1, 1, 3, 4), packed)
    write_session(path, saved_session(results={(1, 2): replace(RESULT, logits=made)}, prompts={}))
    tracemalloc.start()
    with pytest.raises(SessionError, match=rf"{DAMAGED}: 'logits\[0\]' is wrong \({sentence}"):
        read_session(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_an_array_that_announces_more_than_there_is_allocates_nothing(path: Path) -> None:
    contents = members(path)
    header = io.BytesIO()
    huge = {"descr": "<u4", "fortran_order": False, "shape": (2**45,)}
    np.lib.format.write_array_header_1_0(header, huge)
    rewrite(path, {**contents, "mask_runs.npy": header.getvalue()})
    with pytest.raises(SessionError, match="announces 35184372088832 values but holds 0 bytes"):
        read_session(path)


def test_run_lengths_that_do_not_fit_together_are_refused(path: Path) -> None:
    contents = members(path)
    buffer = io.BytesIO()
    np.save(buffer, np.array([1, 2], "<u4"))
    rewrite(path, {**contents, "mask_sizes.npy": buffer.getvalue()})
    with pytest.raises(SessionError, match=r"'mask_sizes\.npy' counts 3 run lengths, but"):
        read_session(path)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 10**5, b"9" * 10**4])
def test_what_is_no_document_is_refused(path: Path, content: bytes) -> None:
    rewrite(path, {**members(path), "session.json": content})
    with pytest.raises(SessionError, match=DAMAGED):
        read_session(path)
