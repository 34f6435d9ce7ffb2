"""The widget without a page."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

from sam2widget import Sam2Widget, SessionError, VideoError
from sam2widget.bridge.flow_control import MAX_UNACKED_MASKS
from sam2widget.models.source import check_model
from sam2widget.widget.front_end import HOW_TO_BUILD, NOT_BUILT, read_static
from tests.support.browser import Browser, idle
from tests.support.clips import CLIP, EVERYTHING, FRAMES, HEIGHT, WIDTH, click
from tests.support.fakes import DiscSegmenter, GatedSegmenter
from tests.support.waiting import threads_ended, wait_until


@pytest.fixture
def gated(closing):
    segmenter = GatedSegmenter(HEIGHT, WIDTH)
    widget = closing(Sam2Widget(CLIP, segmenter))
    widget.wait_until_loaded()
    browser = Browser(widget)
    browser.say("hello")
    yield segmenter, widget, browser
    segmenter.gate.open()


# From code


def test_the_main_job_in_code(widget):
    widget.add_point(0, 10, 6)
    widget.add_point(0, 12, 6, label=0)
    widget.propagate()
    masks = np.asarray(widget.masks[1])
    assert (
        masks.shape == (FRAMES, HEIGHT, WIDTH) and masks.dtype == bool and masks.any((1, 2)).all()
    )
    assert np.array_equal(widget.masks[1][10], masks[10])
    assert widget.scores[1].shape == widget.ious[1].shape == (FRAMES,)
    widget.add_box(5, 20, 2, 30, 9, obj=2)
    assert set(np.unique(widget.label_map(5))) == {0, 1, 2}
    widget.add_mask(6, np.ones((HEIGHT, WIDTH)), obj=3)
    assert [info["id"] for info in widget.objects] == [1, 2, 3]
    widget.remove_object(3)
    assert list(widget.masks) == [1, 2]
    widget.undo()
    assert widget.masks[3][6].all()
    widget.redo()
    assert list(widget.masks) == [1, 2]
    status = dict(widget.status)
    assert status.pop("click_ms") >= 1
    assert status == {"state": "ready", "message": "", "model": "disc", "device": "cpu"}


def test_traits_tell_what_is_current(widget):
    assert widget.video == {
        "width": WIDTH,
        "height": HEIGHT,
        "num_frames": FRAMES,
        "fps": 25.0,
        "interval_s": 0.04,
        "name": "array",
        "kind": "video",
        "sizes": None,
        "live": None,
        "pixel_size": None,
        "windowed": False,
    }
    assert widget.frame == 0 and widget.selected == 0 and widget.objects == []
    assert widget.status["click_ms"] == 0 and widget.auto_propagate == "corrections"
    widget.add_point(0, 10, 6, obj=4)
    assert widget.selected == 4
    assert widget.objects == [
        {
            "id": 4,
            "name": "Object 4",
            "color": widget.objects[0]["color"],
            "visible": True,
            "locked": False,
            "class_name": "",
            "attributes": {},
            "parents": [],
            "dash": [],
        }
    ]
    widget.remove_object(4)
    assert widget.selected == 0
    with pytest.raises(TraitError, match="no frame 30: the video has frames 0 to 29"):
        widget.frame = FRAMES


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda w: w.add_box(0, 100, 100, 120, 120), "box .* lies outside the frame"),
        (lambda w: w.add_point(0, -3, 2), r"point \(-3, 2\) lies outside"),
        (lambda w: w.add_point(99, 3, 2), "no frame 99"),
        (lambda w: w.remove_object(9), "no object 9"),
        (lambda w: w.propagate(), "nothing to propagate"),
        (lambda w: w.undo(), "nothing to undo"),
    ],
)
def test_misuse_in_code_raises_its_sentence_and_the_widget_works_on(widget, call, sentence):
    with pytest.raises(SessionError, match=sentence):
        call(widget)
    assert widget.status["state"] == "ready"
    widget.add_point(0, 10, 6)


def test_a_video_that_cannot_be_read_raises_at_once():
    with pytest.raises(VideoError, match="There is no file"):
        Sam2Widget("no/such/file.mp4")


@pytest.fixture
def interruptible():
    """A process that began in the background of a shell ignores Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_stops_the_propagation_and_loses_nothing(gated):
    segmenter, widget, _ = gated
    widget.add_point(0, 10, 6)

    def from_another_thread():
        segmenter.gate.wait_until_reached()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        segmenter.gate.open()

    thread = threading.Thread(target=from_another_thread)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        widget.propagate()
    thread.join()
    assert widget.status["state"] == "ready"
    tracked = int(np.isfinite(widget.scores[1]).sum())
    widget.propagate()
    assert tracked >= 1 and np.isfinite(widget.scores[1]).all()


def test_a_failure_of_the_model_is_raised_shown_and_survived(widget, segmenter, browser):
    widget.add_point(0, 10, 6)
    segmenter.fail_on = {"track"}
    with pytest.raises(RuntimeError, match="failed to track"):
        widget.propagate()
    idle(widget)
    assert "propagation stopped: RuntimeError: the model failed" in browser.of("error")[-1]["text"]
    assert browser.of("progress")[-1]["running"] is False
    assert widget.status["state"] == "ready"
    segmenter.fail_on = set()
    widget.propagate()


def test_callbacks_of_the_widget_may_edit_but_not_wait_for_a_propagation(widget):
    seen = []

    def on_objects(_):
        if not seen:
            seen.append(True)
            with pytest.raises(SessionError, match="call it from a cell"):
                widget.propagate()
            seen.append(len(widget.masks))

    widget.observe(on_objects, "objects")
    widget.add_point(0, 10, 6)
    assert seen == [True, 1]


def test_several_widgets_do_not_get_in_each_others_way():
    widgets = [Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH)) for _ in range(3)]
    for n, widget in enumerate(widgets):
        widget.add_point(0, 10 * n + 5, 6)
    for widget in widgets:
        widget.propagate()
    assert all(np.isfinite(widget.scores[1]).all() for widget in widgets)
    for widget in widgets:
        widget.close()


def test_closing_ends_the_threads_and_says_so_afterwards(segmenter):
    before = threading.enumerate()
    widget = Sam2Widget(CLIP, segmenter)
    widget.close()
    widget.close()
    wait_until(lambda: threads_ended(before))
    with pytest.raises(SessionError, match="closed: make a new one"):
        widget.add_point(0, 1, 1)


# Loading


def test_while_the_model_loads_frames_are_served_and_clicks_wait(monkeypatch, segmenter):
    ready = threading.Event()

    def load(model, device, video, say):
        say("Loading a model")
        ready.wait()
        return segmenter

    monkeypatch.setattr("sam2widget.models.loading.load_segmenter", load)
    widget = Sam2Widget(CLIP, "owner/slow")
    browser = Browser(widget)
    browser.say("hello")
    number = browser.say("click", **click())
    wait_until(lambda: browser.of("frame"))
    assert browser.of("frame")[0]["frame"] == 0
    assert widget.status["state"] == "loading" and widget.status["message"]
    assert not browser.of("done")
    ready.set()
    assert browser.answer(number)["type"] == "done" and browser.mask(0, 1).any()
    widget.close()


def test_a_model_that_cannot_be_loaded_is_said_in_place_and_to_every_caller(tmp_path):
    (path := tmp_path / "broken.pt").write_text("these are no weights")
    widget = Sam2Widget(CLIP, path)
    with pytest.raises(SessionError, match=r"could not be loaded: .*broken\.pt is not a readable"):
        widget.add_point(0, 1, 1)
    assert widget.status["state"] == "error" and "broken.pt" in widget.status["message"]
    browser = Browser(widget)
    browser.say("hello")
    assert "could not be loaded" in browser.ask("click", **click())["text"]
    assert widget.status["state"] == "error"
    idle(widget)
    assert browser.of("frame")
    widget.close()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            "nanno",
            r"^Unknown model 'nanno'\. Did you mean 'nano'\? Use one of .*hf:owner/name, a path",
        ),
        ("tiny", "Did you mean 'sam2.1-hiera-tiny' or 'sam2-hiera-tiny'"),
        ("sam2.1_hiera_small", "Did you mean 'sam2.1-hiera-small' or"),
        ("sam2:nanno", "Unknown model 'nanno'"),
        ("no/such/model.pt", r"There is no checkpoint file no/such/model\.pt\. Check the path"),
        ("", "Unknown model ''.*auto, hf:owner/name, a path"),
        ("hf:", "Unknown model 'hf:'. Did you mean 'hf:owner/name'"),
        ("a" * 5000, "Unknown model 'aaaa"),
        ("a" * 5000 + ".pt", "There is no checkpoint file aaaa"),
    ],
)
def test_a_model_that_there_is_not_is_refused_before_anything_is_loaded(model, sentence):
    before = threading.enumerate()
    with pytest.raises(SessionError, match=sentence):
        Sam2Widget(CLIP, model)
    assert set(threading.enumerate()) <= set(before)
    widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    widget.wait_until_loaded()
    with pytest.raises(SessionError, match=rf"{sentence}.*disc stays in use\.$"):
        widget.set_model(model)
    widget.close()


def test_names_that_may_be_models_are_not_refused(tmp_path):
    (tmp_path / "mine.pt").write_bytes(b"weights")
    (tmp_path / "mine.dat").write_bytes(b"weights")
    for name in ("auto", "nano", "facebook/sam2.1-hiera-tiny", "hf:owner/name", "sam2:nano"):
        check_model(name)
    for path in (tmp_path, tmp_path / "mine.pt", str(tmp_path / "mine.dat")):
        check_model(path)
    (tmp_path / "mine.pt").write_bytes(b"")
    with pytest.raises(SessionError, match=r"mine\.pt is an empty file"):
        check_model(tmp_path / "mine.pt")


def test_the_name_of_a_model_is_checked_without_torch():
    code = "import sys; from sam2widget.models.source import check_device, check_model as c\n"
    code += "c('nano'); c('sam2.1-hiera-tiny'); c('a.b/c'); check_device('cuda:1')\n"
    code += "try: c('nanno')\nexcept ValueError: print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize("device", ["cdua", "gpu", "cuda0", 1.5])
def test_a_device_that_nobody_knows_is_refused_at_once(device):
    with pytest.raises(SessionError, match=rf"^Device '{device}' cannot be used here"):
        Sam2Widget(CLIP, "nano", device=device)


def test_a_session_is_saved_and_loaded_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    widget = Sam2Widget(CLIP, DiscSegmenter(HEIGHT, WIDTH), autosave=False)
    widget.add_point(0, 5, 5)
    widget.save("~/a.sam2.zip")
    widget.close()
    assert [one.name for one in tmp_path.iterdir()] == ["a.sam2.zip"]
    given = {"video": CLIP, "model": DiscSegmenter(HEIGHT, WIDTH)}
    again = Sam2Widget.load("~/a.sam2.zip", **given)
    assert list(again.masks) == [1]
    again.close()


def test_a_session_whose_model_is_gone_says_so(tmp_path):
    (path := tmp_path / "mine.pt").write_bytes(b"weights")
    widget = Sam2Widget(CLIP, path, autosave=False)
    widget.save(tmp_path / "a.sam2.zip")
    widget.close()
    path.unlink()
    with pytest.raises(SessionError, match=r"give one with model=.*no checkpoint file .*mine\.pt"):
        Sam2Widget.load(tmp_path / "a.sam2.zip", CLIP)


def test_a_corrupt_checkpoint_is_named(tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"these are no weights")
    widget = Sam2Widget(CLIP, path)
    with pytest.raises(SessionError, match=r"broken\.safetensors is not a readable checkpoint"):
        widget.wait_until_loaded()
    widget.close()


# From the browser


def test_hello_is_welcomed_and_told_all_that_is_current(widget):
    widget.add_point(3, 10, 6)
    widget.propagate()
    widget.frame = 3
    browser = Browser(widget)
    number = browser.say("hello")
    idle(widget)
    assert browser.received[0][0] == {
        "type": "welcome",
        "epoch": 1,
        "reply_to": {"view": "view", "id": number},
        "protocol": 2,
    }
    assert browser.of("timeline")[0]["tracked"] == [(0, 3), (4, 30)]
    assert browser.of("prompts")[0]["points"] == [(10.0, 6.0, 1)]
    assert np.array_equal(browser.mask(3, 1), widget.masks[1][3])
    (frame,) = [b for c, b in browser.received if c["type"] == "frame"]
    assert Image.open(io.BytesIO(frame[0])).size == (WIDTH, HEIGHT)


def test_a_click_becomes_a_mask_before_all_else_and_then_is_done(widget, browser):
    browser.received.clear()
    assert browser.ask("click", **click())["type"] == "done"
    kinds = [content["type"] for content, _ in browser.received]
    assert kinds.index("masks") < kinds.index("prompts") < kinds.index("done")
    (masks,) = browser.of("masks")
    (entry,) = masks["masks"]
    assert masks["complete"] and masks["reply_to"]["view"] == "view"
    assert entry == {
        "object": 1,
        "score": 5.0,
        "iou": 0.9,
        "source": "prompt",
        "state": "fresh",
        "area": int(widget.masks[1][0].sum()),
    }
    assert np.array_equal(browser.mask(0, 1), widget.masks[1][0])
    assert widget.selected == 1 and len(widget.objects) == 1


def test_a_prompt_without_an_object_goes_to_the_selected_one(widget, browser):
    browser.ask("click", **click())
    browser.ask("box", frame=0, object=None, x0=1, y0=1, x1=9, y1=9)
    assert len(widget.objects) == 1
    browser.ask("add_object")
    assert widget.selected == 2
    browser.ask("click", **click(x=30))
    assert widget.masks[2][0].any()


def test_every_edit_of_the_browser_is_carried_out(widget, browser):
    browser.ask("click", **click())
    browser.ask("click", **click(x=12, label=0))
    browser.ask("remove_point", frame=0, object=1, index=0)
    assert [p[2] for p in browser.of("prompts")[-1]["points"]] == [0]
    browser.ask("box", frame=0, object=1, x0=1, y0=1, x1=9, y1=9)
    browser.ask("remove_box", frame=0, object=1)
    browser.ask("clear_prompts", frame=0, object=1)
    assert browser.of("prompts")[-1]["points"] == [] and browser.mask(0, 1) is None
    browser.ask("undo")
    assert len(browser.of("prompts")[-1]["points"]) == 1
    browser.ask("redo")
    browser.ask("update_object", object=1, name="dog", visible=False)
    assert widget.objects[0]["name"] == "dog" and widget.objects[0]["visible"] is False
    browser.ask("remove_object", object=1)
    assert widget.objects == [] and widget.selected == 0


def test_an_object_that_the_browser_divides_leaves_the_child_without_masks_selected(
    widget, browser
):
    browser.ask("click", **click())
    browser.ask("propagate", **EVERYTHING)
    idle(widget)
    assert browser.ask("split", object=1, frame=0)["type"] == "error"
    browser.ask("split", object=1, frame=2)
    assert [one.parents for one in widget.objects] == [[], [1], [1]] and widget.selected == 3
    assert widget.masks[2][2].any() and not widget.masks[3][2].any()
    browser.ask("click", **click(frame=2, obj=3))
    browser.ask("undo")
    browser.ask("undo")
    assert [one.id for one in widget.objects] == [1]


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("click", click(x=99.0), "point (99, 6) lies outside the frame"),
        ("click", click(obj=7), "There is no object 7."),
        ("click", click(frame=99), "There is no frame 99"),
        ("box", {"frame": 0, "object": None, "x0": 90, "y0": 90, "x1": 99, "y1": 99}, "outside"),
        ("propagate", EVERYTHING, "nothing to propagate"),
        ("undo", {}, "nothing to undo"),
        ("want", {"frame": 99, "pixels": True}, "There is no frame 99"),
        ("remove_object", {"object": 3}, "no object 3"),
        ("split", {"object": 3, "frame": 1}, "no object 3"),
    ],
)
def test_misuse_in_the_browser_gets_its_sentence_in_place(widget, browser, kind, fields, sentence):
    answer = browser.ask(kind, **fields)
    assert answer["type"] == "error" and sentence in answer["text"]
    assert widget.objects == []
    assert browser.ask("click", **click())["type"] == "done"
    idle(widget)
    assert widget.status["state"] == "ready"


@pytest.mark.parametrize("content", [{}, {"type": "want"}, {"type": "no"}, 7, None])
def test_a_message_that_is_none_gets_a_sentence(widget, browser, content):
    browser.send(content)
    assert browser.of("error")


def test_messages_of_another_epoch_are_dropped(widget, browser):
    browser.say("click", **click(), epoch=7)
    idle(widget)
    assert widget.objects == []


def test_a_wanted_frame_comes_with_its_masks_and_prompts(widget, browser):
    browser.ask("click", **click(frame=4))
    browser.received.clear()
    browser.say("want", frame=4, pixels=True)
    idle(widget)
    assert [content["frame"] for content in browser.of("frame")] == [4]
    assert browser.mask(4, 1).any() and browser.of("prompts")[0]["points"]


def test_a_view_that_has_the_pixels_of_a_frame_gets_the_rest(widget, browser):
    browser.ask("click", **click(frame=4))
    browser.received.clear()
    browser.say("want", frame=4, pixels=False)
    idle(widget)
    assert not browser.of("frame")
    assert browser.mask(4, 1).any() and browser.of("prompts")[0]["points"]


def test_what_code_does_shows_in_the_view(widget, browser):
    widget.add_point(0, 10, 6)
    idle(widget)
    assert browser.mask(0, 1).any() and browser.of("timeline")[-1]["prompted"] == [0]
    widget.undo()
    idle(widget)
    assert browser.mask(0, 1) is None


def test_a_propagation_streams_masks_and_ends_with_progress(widget, browser):
    browser.ask("click", **click())
    browser.received.clear()
    assert browser.ask("propagate", **EVERYTHING)["type"] == "done"
    idle(widget)
    assert {c["frame"] for c in browser.of("masks")} == set(range(1, FRAMES))
    last = browser.of("progress")[-1]
    assert not last["running"] and last["done"] == last["total"] == FRAMES - 1
    assert browser.of("timeline")[-1]["tracked"] == [(1, FRAMES)]
    assert len(browser.of("progress")) <= 10


def test_a_click_is_served_between_two_frames(gated):
    segmenter, widget, browser = gated
    browser.ask("click", **click())
    number = browser.say("propagate", **EVERYTHING)
    segmenter.gate.wait_until_reached()
    clicked = browser.say("click", **click(frame=20, x=30.0))
    segmenter.gate.let_one_through()
    assert browser.answer(clicked)["type"] == "done"
    assert not any((c["reply_to"] or {}).get("id") == number for c in browser.of("done"))
    assert widget.status["state"] in ("working", "propagating")
    segmenter.gate.open()
    assert browser.answer(number)["type"] == "done"
    assert np.isfinite(widget.scores[1]).all()


def test_stop_ends_a_propagation_after_the_frame_at_hand(gated):
    segmenter, widget, browser = gated
    browser.ask("click", **click())
    number = browser.say("propagate", **EVERYTHING)
    segmenter.gate.wait_until_reached()
    stopped = browser.say("stop")
    segmenter.gate.open()
    assert browser.answer(number)["type"] == browser.answer(stopped)["type"] == "done"
    idle(widget)
    assert int(np.isfinite(widget.scores[1]).sum()) == 2
    assert widget.status["state"] == "ready" and not browser.of("progress")[-1]["running"]


def test_undo_during_a_propagation_stops_it_and_takes_it_back(gated):
    segmenter, widget, browser = gated
    browser.ask("click", **click())
    number = browser.say("propagate", **EVERYTHING)
    segmenter.gate.wait_until_reached()
    undone = browser.say("undo")
    segmenter.gate.open()
    browser.answer(undone)
    browser.answer(number)
    assert int(np.isfinite(widget.scores[1]).sum()) == 1


def test_a_correction_retracks_its_span_by_itself(widget, browser):
    browser.ask("click", **click())
    browser.ask("propagate", **EVERYTHING)
    browser.ask("click", **click(frame=15, x=35.0))
    idle(widget)
    assert browser.of("timeline")[-1]["stale"] == []
    assert browser.of("timeline")[-1]["prompted"] == [0, 15]
    browser.ask("undo")
    idle(widget)
    assert browser.of("timeline")[-1]["prompted"] == [0]
    assert browser.of("timeline")[-1]["stale"] == []


def test_retracking_can_be_turned_off_and_a_first_prompt_never_tracks(widget, browser, segmenter):
    browser.ask("click", **click())
    idle(widget)
    assert segmenter.asked("track") == []
    widget.propagate()
    widget.auto_propagate = False
    browser.ask("click", **click(frame=15, x=35.0))
    idle(widget)
    assert browser.of("timeline")[-1]["stale"] == [(1, 15), (16, FRAMES)]


def test_a_correction_during_a_limited_propagation_is_retracked_after_it(gated):
    segmenter, widget, browser = gated
    segmenter.gate.open()
    browser.ask("click", **click())
    widget.propagate(stop=10)
    segmenter.gate.close()
    number = browser.say("propagate", start=20, stop=25, direction="both")
    segmenter.gate.wait_until_reached()
    browser.say("click", **click(frame=5, x=30.0))
    segmenter.gate.open()
    browser.answer(number)
    idle(widget)
    idle(widget)
    assert browser.of("timeline")[-1]["stale"] == []


# Flow control


def test_without_acknowledgements_only_so_many_batches_go_out(widget):
    browser = Browser(widget, acks=False)
    browser.say("hello")
    idle(widget)
    browser.say("ack", seqs=[1])
    browser.say("ack", seqs=[2])
    widget.add_point(0, 10, 6)
    browser.received.clear()
    widget.propagate()
    idle(widget)
    assert len(browser.of("masks")) <= MAX_UNACKED_MASKS
    browser.say("ack", seqs=[browser.of("masks")[0]["seq"]])
    assert browser.of("masks")[-1]["frame"] == FRAMES - 1


def test_nothing_is_sent_before_hello_or_out_of_sight(widget):
    browser = Browser(widget)
    widget.add_point(0, 10, 6)
    assert browser.received == []
    browser.say("hello")
    idle(widget)
    browser.say("visible", visible=False)
    browser.received.clear()
    widget.propagate()
    number = browser.say("click", **click())
    idle(widget)
    assert browser.received == []
    browser.say("visible", visible=True)
    idle(widget)
    assert browser.answer(number)["type"] == "done"
    assert browser.of("timeline")[-1]["tracked"] and browser.mask(0, 1).any()
    assert browser.of("frame")


def test_two_views_see_the_same(widget, browser):
    other = Browser(widget, view="other")
    other.say("hello")
    idle(widget)
    browser.ask("click", **click())
    assert np.array_equal(other.mask(0, 1), browser.mask(0, 1)) and other.mask(0, 1).any()


def test_the_front_end_writes_frame_and_selected_and_nothing_else(widget, browser):
    widget.add_point(0, 10, 6)
    widget.set_state({"frame": 7, "selected": 0, "objects": [], "status": {}, "epoch": 9})
    assert widget.frame == 7 and widget.selected == 0
    assert len(widget.objects) == 1 and widget.status["state"] == "ready" and widget.epoch == 1
    widget.set_state({"frame": 700})
    assert widget.frame == 7 and "no frame 700" in browser.of("error")[-1]["text"]


def test_traits_written_while_the_front_end_writes_are_not_lost(widget):
    inside, written = threading.Event(), threading.Event()

    def on_frame(_):
        inside.set()
        assert written.wait(10)

    def write():
        inside.wait()
        widget.write_traits(status={"state": "working"})
        widget.write_traits(status={"state": "ready"})
        written.set()

    widget.observe(on_frame, "frame")
    thread = threading.Thread(target=write)
    thread.start()
    widget.set_state({"frame": 3})
    thread.join()
    assert widget.status == {"state": "ready"} and widget.frame == 3


def test_the_bundle_or_how_to_build_it_is_shown():
    assert "npm ci && npm run build" in HOW_TO_BUILD and "export default" in NOT_BUILT
    assert read_static("no-such-file.js", NOT_BUILT) == NOT_BUILT


def test_without_the_bundle_scripting_works_and_a_warning_says_how_to_build(monkeypatch, segmenter):
    monkeypatch.setattr(Sam2Widget, "_esm", NOT_BUILT)
    with pytest.warns(UserWarning, match="npm run build"):
        widget = Sam2Widget(CLIP, segmenter)
    widget.add_point(0, 10, 6)
    widget.close()
