"""Videos served to people with a browser alone: two of them, and what neither can reach."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from sam2widget import propagate_many
from sam2widget.cli.demo import deepest_point
from sam2widget.storage.progress import read_progress
from sam2widget.storage.session_file import read_session
from tests.browser.serving import Annotator, Server, running_server
from tests.support.data import Clip
from tests.support.waiting import wait_until

SESSION = "sample.sam2.zip"


@pytest.fixture
def server(clip: Clip, tmp_path: Path) -> Iterator[Server]:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"the secret of the machine")
    with running_server([clip.path], tmp_path / "sessions", "--workers", "2") as running:
        yield running


@pytest.fixture
def people(server: Server, browser: Browser, clip: Clip) -> Iterator[tuple[Annotator, Annotator]]:
    both = Annotator(browser, server, "Anna", clip), Annotator(browser, server, "Bob", clip)
    yield both
    for one in both:
        one.context.close()


def test_two_people_on_one_video_never_write_one_file_and_a_batch_goes_on_from_them(
    server: Server, people: tuple[Annotator, Annotator], clip: Clip, tmp_path: Path
) -> None:
    anna, bob = people
    session = server.sessions / SESSION
    anna.list_videos()
    title = anna.page.locator("tbody a").inner_text()
    assert "0 0 % 0 %" in anna.row(SESSION)
    anna.open(title)
    widget = anna.widget()
    widget.click(*deepest_point(clip.truth_thw[0]))
    widget.mark_range(0, 6)
    widget.propagate()
    tracked = re.compile("1 frames prompted, 5 tracked")
    expect(widget.lane()).to_have_attribute("aria-label", tracked)
    wait_until(lambda: session.exists() and read_progress(session).tracked == 6)

    # Bob is told who has it, and does not get in by the address either.
    bob.list_videos()
    assert re.search(r"1 12 % 0 % Anna, since \d\d:\d\d", bob.row(SESSION))
    bob.page.get_by_role("link", name=title, exact=True).click()
    expect(bob.page.get_by_role("alert")).to_contain_text("Anna has had")
    assert bob.page.reload().status == 423
    assert len(server.kernels) == 1

    # A copy begins with what Anna has done, and is a file of its own.
    bob.page.get_by_role("button", name="Work on a copy of your own").click()
    expect(bob.widget().lane()).to_have_attribute("aria-label", tracked)
    before = read_session(session).prompts
    x, y = deepest_point(clip.truth_thw[0])
    bob.widget().click(x + 3, y)
    copy = server.sessions / "sample.bob.sam2.zip"
    wait_until(lambda: len(read_session(copy).prompts[1, 0].points) == 2)
    assert read_session(session).prompts == before

    # He takes over: Anna's last click is saved first, and her page says why it has ended.
    widget.go_to(7)
    widget.click(*deepest_point(clip.truth_thw[7]))
    bob.open(title)
    bob.page.get_by_role("button", name="Take over").click()
    expect(bob.widget().lane()).to_have_attribute("aria-label", re.compile("2 frames prompted"))
    expect(anna.page.locator("#s2w-ended")).to_contain_text("Bob has taken over this video")
    anna.open(title)
    expect(anna.page.get_by_role("alert")).to_contain_text("Bob has had")
    bob_widget = bob.widget()
    bob_widget.go_to(3)
    bob_widget.press("a")
    wait_until(lambda: read_progress(session).reviewed == 1)
    anna.list_videos()
    assert "Bob, since" in anna.row(SESSION)

    kernels = server.kernels
    assert kernels
    server.stop()
    assert not any(one.is_running() for one in kernels)
    assert "everything is saved" in "".join(server.said)
    assert sorted(path.name for path in server.sessions.glob("*.sam2.zip")) == [copy.name, SESSION]

    report = propagate_many(server.sessions, tmp_path / "out", on_status=lambda _: None)
    assert not report.failed
    done = read_session(tmp_path / "out" / SESSION)
    assert len(done.results) == len(clip.truth_thw)
    assert done.results[1, 3].state == "accepted"
    assert read_progress(tmp_path / "out" / copy.name).tracked_percent == 100


def test_a_page_that_is_reloaded_goes_on_and_one_that_is_closed_frees_its_worker(
    server: Server, people: tuple[Annotator, Annotator], clip: Clip
) -> None:
    anna, bob = people
    anna.list_videos()
    title = anna.page.locator("tbody a").inner_text()
    anna.open(title)
    anna.widget().click(*deepest_point(clip.truth_thw[0]))
    first = anna.kernel_id
    anna.page.reload()  # within the second that an edit waits before it is written
    anna.widget().wait_for("objects", 1)
    assert anna.kernel_id != first
    assert len(server.kernels) == 1
    anna.page.goto("about:blank")
    wait_until(lambda: not server.kernels)
    bob.open(title)
    bob.widget().wait_for("objects", 1)
    expect(bob.page.get_by_role("heading", name=title)).to_be_visible()


def test_with_all_workers_in_use_a_person_is_told_by_whom(
    browser: Browser, clip: Clip, tmp_path: Path
) -> None:
    other = tmp_path / "other.npy"
    np.save(other, np.zeros((3, 32, 48, 3), np.uint8))
    sources = [clip.path, other]
    with running_server(sources, tmp_path / "sessions", "--workers", "1") as server:
        anna, bob = (Annotator(browser, server, name, clip) for name in ("Anna", "Bob"))
        anna.page.locator("tbody a").first.click()
        anna.widget()
        bob.page.locator("tbody a").last.click()
        told = bob.page.get_by_role("alert")
        expect(told).to_contain_text("The one worker is in use: Anna has had")
        expect(told).to_contain_text("--workers")
        kernels = server.kernels
        assert len(kernels) == 1
        server.process.kill()  # its pages end with it all the same
        wait_until(lambda: not any(one.is_running() for one in kernels))
        for one in anna, bob:
            one.context.close()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Ask as a program does, which sends an address as it is."""
    host = server.base.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors="replace")


@pytest.mark.parametrize("is_known", [False, True], ids=["a stranger", "one with the token"])
def test_no_address_leads_to_a_file_of_the_machine(server: Server, is_known: bool) -> None:
    secret = server.sessions.parent / "secret.mp4"
    up = "../" * 12
    paths = [
        "/video/1",
        "/video/-1",
        "/video/999999",
        "/video/0/of/../../secret",
        f"/video/{secret}",
        f"/video/0/of/{secret.stem}",
        f"/voila/files{secret}",
        f"/files{secret}",
        "/api/contents",
        "/api/kernels",
        "/api/sessions",
        "/api/terminals",
        "/voila/render/x.ipynb",
        f"/{SESSION}",
    ]
    for folder in ("static", "templates/lab/static", "labextensions"):
        escaped = up.replace("/", "%2f")
        paths += [f"/voila/{folder}/{up}{secret}", f"/voila/{folder}/{escaped}{secret}"]
        paths.append(f"/voila/{folder}/{up.replace('.', '%2e')}etc/passwd")
    headers = {"Authorization": f"token {server.token}"} if is_known else {}
    for path in paths:
        status, body = ask(server, path, **headers)
        assert status in (302, 403, 404), (path, status)
        assert "secret of the machine" not in body and "root:" not in body, path
    assert not server.kernels


def test_a_stranger_gets_in_nowhere_and_a_page_of_elsewhere_neither(server: Server) -> None:
    for path in ("/", "/video/0"):
        assert ask(server, path)[0] == 302
        assert ask(server, path, Authorization="token wrong")[0] == 302
    known = {"Authorization": f"token {server.token}"}
    assert ask(server, "/", **known)[0] == 200
    # By a name that leads here only by a trick with DNS.
    assert ask(server, "/", Host="evil.example", **known)[0] == 403
    # Forms of another site lack what ours have.
    for path in ("/name", "/video/0/take-over", "/video/0/copy"):
        assert ask(server, path, "POST")[0] == 403
    assert ask(server, "/video/0/take-over", **known)[0] == 405
    assert not server.kernels


RUN = """async ([kernel, path]) => {
    const socket = new WebSocket(`ws://${location.host}/api/kernels/${kernel}/channels`);
    const answers = [];
    const header = (msg_type) => ({
        msg_id: crypto.randomUUID(), msg_type, username: "", session: "s", version: "5.3",
        date: new Date().toISOString(),
    });
    const send = (msg_type, content) => socket.send(JSON.stringify({
        header: header(msg_type), parent_header: {}, metadata: {}, content, channel: "shell",
        buffers: [],
    }));
    return new Promise((resolve) => {
        socket.onclose = () => resolve("closed");
        socket.onopen = () => {
            send("execute_request", { code: `open(${JSON.stringify(path)}, "w")`, silent: false });
            send("shutdown_request", { restart: false });
            send("kernel_info_request", {});
        };
        socket.onmessage = ({ data }) => {
            const { header: { msg_type } } = JSON.parse(data);
            answers.push(msg_type);
            if (msg_type === "kernel_info_reply") {
                socket.onclose = null;
                socket.close();
                resolve(answers);
            }
        };
    });
}"""


def test_a_browser_runs_no_code_and_reaches_no_kernel_of_another_person(
    server: Server, people: tuple[Annotator, Annotator], tmp_path: Path
) -> None:
    anna, bob = people
    anna.page.locator("tbody a").first.click()
    anna.widget()
    kernel, made = anna.kernel_id, tmp_path / "made"
    answers = anna.page.evaluate(RUN, [kernel, str(made)])
    assert "kernel_info_reply" in answers and "execute_reply" not in answers
    assert not made.exists()

    assert bob.page.evaluate(RUN, [kernel, str(made)]) == "closed"
    for path in (f"api/kernels/{kernel}", f"api/kernels/{kernel}/channels"):
        assert bob.page.request.get(f"{server.base}{path}").status == 404
    xsrf = next(one["value"] for one in bob.context.cookies() if one["name"] == "_xsrf")
    left = bob.page.request.post(f"{server.base}voila/api/shutdown/{kernel}", form={"_xsrf": xsrf})
    assert left.status == 404
    status = bob.page.request.get(f"{server.base}status/{kernel}")
    assert json.loads(status.body()) == {"ended": ""}
    anna.widget()  # which is still at work
