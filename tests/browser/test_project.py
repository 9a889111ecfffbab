"""Nobody loses work: reloads, closed tabs, restarted servers, project files, and what undo does to tracking."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sam2_core.serving.commands import Command, SetPrompt
from sam2_core.types import Mask
from tests.browser.conftest import FLAGS, OpeningGate, come_back_when, expire, find_browser
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, GatedEngine, free_port, launched
from ui.app import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Desk]


def wait_until_kept(desk: Desk, steps: int) -> None:
    """Until the browser's own storage has this many steps of what is open, and the frame that is shown."""
    kept = desk.page.evaluate(
        """async steps => {
          const frame = Number(document.querySelector('.mk-frame-number').textContent) - 1;
          const answer = request => new Promise(resolve => { request.onsuccess = () => resolve(request.result); });
          const database = await answer(indexedDB.open('masklet'));
          for (let left = 300; ; left--) {
            const works = await answer(database.transaction('works').objectStore('works').getAll());
            const kept = works.filter(each => each.frame === frame).map(each => each.journal.length);
            if (left && !kept.includes(steps)) await new Promise(resolve => setTimeout(resolve, 50));
            else return database.close(), kept;
          }
        }""",
        steps,
    )
    assert steps in kept


def track(desk: Desk, frame: int = 30) -> None:
    desk.press("t")
    desk.expect_frame(frame)
    desk.page.wait_for_selector(".mk-track:visible")


def work_on(desk: Desk, clip: Path) -> None:
    """A clip with one object, named and tracked to the end."""
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.locator(".mk-object .mk-name").fill("Ball")
    desk.press("Enter")
    track(desk)


def expect_range_of_one(desk: Desk) -> None:
    desk.page.wait_for_selector(".mk-in[aria-valuenow='30']", state="attached")


def expect_work(desk: Desk) -> None:
    desk.page.wait_for_selector(".mk[data-state=work]")
    desk.page.wait_for_function("document.querySelector('.mk-progress-overlay').hidden")
    desk.expect_frame(30)
    desk.expect_mask(0.28, 0.76)
    desk.expect(".mk-object .mk-name").to_have_value("Ball")


def save(desk: Desk, what: str) -> Path:
    desk.page.click(".mk-project-open")
    with desk.page.expect_download() as started:
        desk.page.click(f".mk-project-{what}")
    return Path(started.value.path())


# --- autosave ---


def test_a_closed_tab_is_gone_on_with_from_the_start_screen(server: Any, visit: Visit, clip: Path) -> None:
    first = visit(server[1])
    work_on(first, clip)
    wait_until_kept(first, steps=3)
    first.context.new_page()  # a window without any page closes
    first.page.close()
    second = visit(server[1], context=first.context)
    card = second.page.locator(".mk-recent-open")
    card.wait_for()
    assert "film.mp4" in card.inner_text()
    assert "1 object · just now" in card.inner_text()
    second.page.wait_for_function("document.querySelector('.mk-recent-open img').naturalWidth === 320")
    card.click()
    expect_work(second)
    second.press("Home")
    second.expect_mask(0.28, 0.76)
    second.press("Control+z", "Control+z", "Control+z")
    second.expect_mask(0.28, 0.76, there=False)


def test_a_browser_that_was_closed_still_has_the_work(chromium: Any, server: Any, clip: Path, tmp_path: Path) -> None:
    for visit_number in range(2):
        options = {"executable_path": find_browser(), "headless": True, "args": list(FLAGS)}
        context = chromium.browser_type.launch_persistent_context(tmp_path / "profile", **options)
        try:
            desk = Desk(context, server[1])
            if visit_number == 0:
                work_on(desk, clip)
                wait_until_kept(desk, steps=3)
            else:
                desk.page.click(".mk-recent-open")
                expect_work(desk)
            assert desk.problems == []
        finally:
            context.close()


def test_a_click_that_waits_for_another_survives_a_reload(visit: Visit, picture: Path) -> None:
    entered, gate = threading.Semaphore(0), threading.Semaphore(0)

    class GatedPrompts(FakeEngine):
        def execute(self, session: str, command: Command[Any]) -> Any:
            if isinstance(command, SetPrompt):
                entered.release()
                assert gate.acquire(timeout=DEADLINE)
            return super().execute(session, command)

    with launched(GatedPrompts()) as (_, address):
        desk = visit(address)
        desk.open(picture)
        desk.click(0.3, 0.5)
        assert entered.acquire(timeout=DEADLINE)
        desk.press("n")
        desk.click(0.7, 0.5)
        desk.expect_objects(2)
        desk.page.reload()
        for _ in range(5):
            gate.release()
        desk.page.wait_for_selector(".mk[data-state=work]")
        desk.expect_mask(0.27, 0.46)
        desk.expect_mask(0.67, 0.46)
        desk.context.close()


def test_a_work_is_forgotten_on_wish(server: Any, visit: Visit, picture: Path) -> None:
    desk = visit(server[1])
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    wait_until_kept(desk, steps=1)
    desk.page.click(".mk-new")
    desk.expect(".mk-recent-open").to_contain_text("open now")
    desk.page.click(".mk-recent-remove")
    desk.page.wait_for_selector(".mk-recent", state="hidden")
    desk.page.click(".mk-back")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.context.new_page()
    desk.page.close()
    again = visit(server[1], context=desk.context)
    left = again.page.evaluate(
        """async () => {
          const database = await new Promise(resolve => {
            const request = indexedDB.open('masklet');
            request.onsuccess = () => resolve(request.result);
          });
          const stores = database.transaction(['works', 'files']);
          const counts = ['works', 'files'].map(name => new Promise(resolve => {
            const request = stores.objectStore(name).count();
            request.onsuccess = () => resolve(request.result);
          }));
          return Promise.all(counts);
        }"""
    )
    assert left == [0, 0]


def test_two_tabs_with_the_same_work_keep_both(server: Any, visit: Visit, picture: Path) -> None:
    one = visit(server[1])
    one.open(picture)
    one.click(0.3, 0.5)
    one.expect_mask(0.27, 0.46)
    wait_until_kept(one, steps=1)
    two = visit(server[1], context=one.context)
    two.page.click(".mk-recent-open")
    two.page.wait_for_selector(".mk[data-state=work]")
    two.expect_mask(0.27, 0.46)
    two.click(0.7, 0.5)
    two.expect_mask(0.67, 0.46)
    wait_until_kept(two, steps=2)
    for x in (0.5, 0.55):
        one.click(x, 0.2)
        one.expect_mask(x - 0.03, 0.16)
    wait_until_kept(one, steps=3)
    one.page.click(".mk-new")
    one.page.wait_for_function("document.querySelectorAll('.mk-recent-card').length === 2")


def test_without_any_storage_everything_else_works(visit: Visit, server: Any, chromium: Any, picture: Path) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(
        """for (const name of ['indexedDB', 'sessionStorage', 'localStorage']) {
          Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
        }"""
    )
    desk = visit(server[1], context=context)
    desk.problems.clear()  # Gradio's own page wants its storage
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.press("Control+z")
    desk.expect_mask(0.27, 0.46, there=False)
    desk.page.click(".mk-new")
    desk.expect(".mk-recent").to_be_hidden()


# --- the server forgets ---


def test_an_expired_session_comes_back_with_its_tracking(desk: Desk, server: tuple[Server, str], clip: Path) -> None:
    work_on(desk, clip)
    expire(server[0], desk)
    desk.page.click(".mk-banner-act")
    desk.expect_toast("Your work is back")
    expect_work(desk)
    desk.expect(".mk-banner").to_be_hidden()


def test_a_restarted_server_gets_everything_back_by_itself(visit: Visit, clip: Path) -> None:
    port = f"--port={free_port()}"
    with launched(FakeEngine(), port) as (_, address):
        desk = visit(address)
        work_on(desk, clip)
    desk.page.wait_for_selector(".mk-banner:has-text('The connection was lost')")
    with launched(FakeEngine(), port):
        desk.expect_toast("Your work is back")
        expect_work(desk)
        desk.press("Home", "Control+z")
        desk.context.close()


def test_a_reload_after_a_restart_gets_everything_back(visit: Visit, clip: Path) -> None:
    port = f"--port={free_port()}"
    with launched(FakeEngine(), port) as (_, address):
        desk = visit(address)
        work_on(desk, clip)
        desk.press("i")
        expect_range_of_one(desk)
        wait_until_kept(desk, steps=3)
    with launched(FakeEngine(), port):
        desk.page.reload()
        expect_work(desk)
        expect_range_of_one(desk)
        desk.context.close()


def test_a_reload_while_work_comes_back_begins_anew(visit: Visit, clip: Path) -> None:
    port, engine = f"--port={free_port()}", GatedEngine()
    with launched(FakeEngine(), port) as (_, address):
        desk = visit(address)
        work_on(desk, clip)
        wait_until_kept(desk, steps=3)
    with launched(engine, port):
        assert engine.entered.acquire(timeout=DEADLINE)
        desk.page.reload()
        for _ in range(80):
            engine.gate.release()
        expect_work(desk)
        desk.context.close()


@pytest.mark.parametrize("when", ["it opens", "it is open"])
def test_a_reload_while_the_medium_is_opened_again(
    visit: Visit, clip: Path, opening_gate: Callable[[], OpeningGate], when: str
) -> None:
    port = f"--port={free_port()}"
    with launched(FakeEngine(), port) as (_, address):
        desk = visit(address)
        work_on(desk, clip)
        wait_until_kept(desk, steps=3)
    gate = opening_gate()
    with launched(FakeEngine(), port):
        come_back_when(desk, gate, when)  # the page opens it by itself
        expect_work(desk)
        desk.context.close()


@pytest.mark.parametrize("when", ["it opens", "it is open"])
def test_a_reload_while_another_photo_of_this_size_is_opened(
    server: Any, visit: Visit, picture: Path, opening_gate: Callable[[], OpeningGate], when: str
) -> None:
    desk = visit(server[1])
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    wait_until_kept(desk, steps=1)
    gate = opening_gate()
    another: Any = {"name": "another.png", "mimeType": "image/png", "buffer": picture.read_bytes()}
    desk.page.set_input_files(".mk-picker", files=[another])
    come_back_when(desk, gate, when)
    desk.page.wait_for_selector(".mk[data-state=work] .mk-file-name[title='another.png']", state="attached")
    desk.page.wait_for_function("document.querySelector('.mk-progress-overlay').hidden")
    desk.expect(".mk-undo").to_be_disabled()
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.expect_mask(0.27, 0.46, there=False)
    desk.page.click(".mk-new")
    desk.page.locator(".mk-recent-open:has-text('photo.png')").click()
    desk.expect_mask(0.27, 0.46)
    desk.expect_mask(0.67, 0.46, there=False)
    desk.page.click(".mk-new")
    desk.page.locator(".mk-recent-open:has-text('another.png')").click()
    desk.page.wait_for_selector(".mk-file-wanted:has-text('another.png')")  # the page that had this file is gone


def test_the_tracking_of_a_replay_can_be_given_up(visit: Visit, clip: Path) -> None:
    engine = GatedEngine()
    with launched(engine) as (_, address):
        first = visit(address)
        for _ in range(40):
            engine.gate.release()
        work_on(first, clip)
        wait_until_kept(first, steps=3)
        first.context.new_page()
        first.page.close()
        while engine.gate.acquire(blocking=False):
            pass
        desk = visit(address, context=first.context)
        desk.page.click(".mk-recent-open")
        desk.page.wait_for_selector(".mk-progress-title:has-text('Bringing your work back')")
        engine.gate.release()
        desk.page.wait_for_function("document.querySelector('.mk-progress-text').textContent.includes('work')")
        desk.page.click(".mk-progress-cancel")
        engine.gate.release()
        engine.gate.release()
        desk.expect_toast("Your clicks are back")
        desk.press("Home")
        desk.expect_mask(0.28, 0.76)
        desk.press("End")
        desk.expect_frame(30)
        desk.expect_mask(0.28, 0.76, there=False)
        desk.context.close()


# --- project files ---


def test_a_project_is_saved_and_opened_elsewhere(desk: Desk, visit: Visit, server: Any, clip: Path) -> None:
    work_on(desk, clip)
    desk.press("i")
    expect_range_of_one(desk)
    with desk.page.expect_download() as started:
        desk.press("Control+s")
    assert started.value.suggested_filename == "film.masklet.json"
    file = Path(started.value.path())
    project = json.loads(file.read_text("utf-8"))
    assert (project["format"], project["version"]) == ("masklet-project", 1)
    assert project["medium"] == {
        "kind": "clip", "name": "film.mp4", "frames": 30, "height": 180, "width": 320, "fps": 30
    }  # fmt: skip
    assert project["journal"]["length"] == 3
    assert project["objects"] == {"1": {"name": "Ball", "label": "", "color": "#e69f00"}}
    assert "masks" not in project
    other = visit(server[1])
    other.page.set_input_files(".mk-project-picker", files=[named(file, "film.masklet.json")])
    other.page.wait_for_selector(".mk-file-wanted:text-is('“film.mp4” (320 × 180, 30 frames)')")
    other.page.set_input_files(".mk-picker", clip)
    expect_work(other)
    expect_range_of_one(other)


def test_a_project_of_what_is_open_is_put_in_its_place(desk: Desk, clip: Path) -> None:
    work_on(desk, clip)
    file = save(desk, "save")
    desk.press("Home")
    desk.page.click(".mk-clear")
    desk.page.click(".mk-clear-all")
    desk.click(0.6, 0.8)
    desk.expect_mask(0.58, 0.76)
    desk.page.set_input_files(".mk-picker", files=[named(file, "film.masklet.json")])
    desk.expect_toast("Your work is back")
    expect_work(desk)
    desk.expect_mask(0.58, 0.76, there=False)


def test_masks_are_saved_for_other_programs(desk: Desk, clip: Path) -> None:
    work_on(desk, clip)
    project = json.loads(save(desk, "masks").read_text("utf-8"))
    assert list(project["masks"]) == ["1"]
    assert len(project["masks"]["1"]) == 30
    mask = Mask.from_coco(project["masks"]["1"]["29"]).to_array()
    assert mask.shape == (180, 320)
    assert mask[144, 96]
    assert not mask[20, 20]


def named(file: Path, name: str) -> Any:
    return {"name": name, "mimeType": "application/json", "buffer": file.read_bytes()}


def project_of(**changes: Any) -> dict[str, Any]:
    medium = {"kind": "image", "name": "photo.png", "frames": 1, "height": 300, "width": 400, "fps": 0}
    step = {"entries": [{"frame": 0, "object": 1, "prompt": {"points": [[120, 150, 1]]}}]}
    journal = {"steps": [step], "length": 1}
    plain = {"format": "masklet-project", "version": 1, "medium": medium, "journal": journal}
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "is not a project file"),
        (json.dumps({"images": []}).encode(), "is not a project file"),
        (json.dumps(project_of(version=2)).encode(), "another version of Masklet"),
        (json.dumps(project_of(medium={"name": "photo.png"})).encode(), "is damaged"),
        (json.dumps(project_of(journal={"steps": [{"entries": [{"frame": 7}]}], "length": 1})).encode(), "is damaged"),
        (json.dumps(project_of(journal={"steps": [{"entries": [{"traits": 0}]}], "length": 1})).encode(), "is damaged"),
        (json.dumps(project_of(look={"hidden": ["everything"]})).encode(), "is damaged"),
    ],
)
def test_a_wrong_file_is_refused_with_a_reason(desk: Desk, content: bytes, words: str) -> None:
    wrong = {"name": "wrong.json", "mimeType": "application/json", "buffer": content}
    desk.page.set_input_files(".mk-picker", files=[wrong])
    desk.expect_toast(words)
    desk.expect(".mk[data-state=start]").to_have_count(1)


def test_another_medium_than_the_projects_is_open_without_it(desk: Desk, picture: Path, clip: Path) -> None:
    project = {"name": "p.json", "mimeType": "application/json", "buffer": json.dumps(project_of()).encode()}
    desk.page.set_input_files(".mk-picker", files=[project])
    desk.page.wait_for_selector(".mk-file-wanted:has-text('photo.png')")
    desk.open(clip)
    desk.expect_toast("This is not “photo.png” (400 × 300)")
    desk.expect_objects(0)
    desk.page.set_input_files(".mk-picker", files=[project])
    desk.page.click(".mk-file-cancel")
    desk.open(picture)
    desk.expect_objects(0)
    desk.page.set_input_files(".mk-picker", files=[project])
    desk.expect_mask(0.3, 0.5)


def test_a_project_file_can_be_dropped_anywhere(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.page.evaluate(
        """text => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], 'photo.masklet.json', { type: 'application/json' }));
          document.querySelector('.mk-tools').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
        }""",
        json.dumps(project_of()),
    )
    desk.expect_mask(0.3, 0.5)


# --- undo and redo of tracking ---


def test_a_run_of_tracking_is_one_undo_and_one_redo(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.page.locator(".mk-scrub").fill("10")
    desk.expect_frame(11)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.click(".mk-main-action[data-action=track]")
    desk.page.wait_for_selector(".mk-track:visible")
    desk.press("Control+z")
    desk.expect_mask_at_both_ends(0.28, 0.76, 30, there=False)
    desk.page.reload()  # the server has forgotten these masks, not only the page
    desk.expect_frame(30)
    desk.press("Home")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.press("Control+Shift+z")
    desk.page.wait_for_selector(".mk-redo:disabled")
    desk.page.wait_for_selector(".mk-track:visible")
    desk.expect_mask_at_both_ends(0.28, 0.76, 30)
    desk.press("Control+z", "Control+z")
    desk.expect_frame(11)
    desk.expect_objects(0)


def track_a_little(desk: Desk, engine: GatedEngine, clip: Path) -> None:
    """A clip whose tracking has begun, and waits at the gate."""
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("t")
    for _ in range(3):
        engine.gate.release()
    desk.page.wait_for_function("Number(document.querySelector('.mk-frame-number').textContent) > 2")


def test_undo_while_tracking_stops_it_and_takes_it_back(
    gated: tuple[GatedEngine, str], visit: Visit, clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    track_a_little(desk, engine, clip)
    desk.press("Control+z")
    engine.gate.release()
    desk.page.wait_for_selector(".mk-track:visible")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.expect(".mk-main-action[data-action=resume]").to_be_hidden()
    desk.press("Home")
    desk.expect_mask(0.28, 0.76)
    for _ in range(40):
        engine.gate.release()
    desk.context.close()


def test_what_is_said_while_tracking_is_undone_before_it(
    gated: tuple[GatedEngine, str], visit: Visit, clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    track_a_little(desk, engine, clip)
    desk.press("n")
    desk.click(0.6, 0.8)
    desk.expect_mask(0.58, 0.76)
    for _ in range(60):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-track:visible")
    desk.press("End")
    desk.expect_mask(0.58, 0.76)
    project = json.loads(save(desk, "save").read_text("utf-8"))
    said, run, late = project["journal"]["steps"]
    assert [list(step) for step in (said, run, late)] == [["entries"], ["run", "entries"], ["entries"]]
    assert "after" not in run["entries"][0]
    found_later = [entry["objects"] for entry in run["entries"] if entry.get("after") == 2]
    assert {number for numbers in found_later for number in numbers} == {1, 2}
    desk.press("Control+z")
    desk.expect_objects(2)  # the second is chosen, and empty again
    desk.press("End")
    desk.expect_frame(30)
    desk.expect_mask(0.58, 0.76, there=False)
    desk.expect_mask(0.28, 0.76)
    desk.press("Control+z")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.context.close()
