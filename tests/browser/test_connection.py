"""What becomes of the work when connections, pages and sessions end, and who sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OpeningGate, expire
from tests.browser.desk import Desk
from tests.ui.house import GatedEngine
from ui.app import Server

pytestmark = pytest.mark.browser


def test_two_users_see_only_their_own(server: tuple[Server, str], visit: Callable[..., Desk], picture: Path) -> None:
    one, two = visit(server[1]), visit(server[1])
    one.open(picture)
    one.click(0.3, 0.5)
    one.expect_mask(0.27, 0.46)
    two.open(picture)
    two.click(0.7, 0.5)
    two.expect_mask(0.67, 0.46)
    assert two.pixel(0.27, 0.46)[3] == 0
    assert one.pixel(0.67, 0.46)[3] == 0


def test_a_reload_keeps_the_work_and_its_history(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.locator(".mk-name").fill("Ball")
    desk.press("Enter", "t")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-track:visible")
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work]")
    desk.expect_frame(30)
    desk.expect_mask(0.28, 0.76)
    desk.expect(".mk-name").to_have_value("Ball")
    desk.press("Control+z")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.press("Home")
    desk.expect_mask(0.28, 0.76)
    desk.press("Control+z", "Control+z")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.press("Control+Shift+z")
    desk.expect_mask(0.28, 0.76)


def test_a_file_may_follow_another_that_is_still_on_its_way(desk: Desk, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.bin").write_bytes(bytes(4_000_000))
    network = desk.context.new_cdp_session(desk.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    network.send("Network.emulateNetworkConditions", slow)
    desk.page.set_input_files(".mk-picker", tmp_path / "slow.bin")
    desk.page.wait_for_selector(".mk-progress-text:has-text('MB of 4.0 MB')")
    desk.open(picture)
    assert desk.page.locator(".mk-toast").count() == 0


def test_an_expired_session_starts_again_with_all_clicks(desk: Desk, server: tuple[Server, str], picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    expire(server[0], desk)
    desk.click(0.7, 0.2)
    desk.page.click(".mk-banner-act:has-text('Start again')")
    desk.expect_toast("Your work is back")
    assert desk.page.locator(".mk-toast-error").count() == 0
    desk.expect_mask(0.27, 0.46)
    desk.expect_mask(0.67, 0.16)
    desk.press("Control+z")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.press("Control+z", "Control+z")
    desk.expect_mask(0.27, 0.46, there=False)


def test_it_works_where_sockets_are_cut_off(visit: Callable[..., Desk], server: tuple[Server, str], clip: Path) -> None:
    desk = visit(server[1])
    desk.page.route_web_socket(re.compile(r".*/ws\?"), lambda socket: socket.close())
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("t")
    desk.expect_frame(30)
    desk.expect_mask(0.28, 0.76)


def sockets_of(desk: Desk) -> list[Any]:
    """The sockets that the page opens from now on, beginning with a reload; each can be closed."""
    sockets: list[Any] = []

    def through(socket: Any) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    desk.page.route_web_socket(re.compile(r".*/ws\?"), through)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    return sockets


def test_tracking_says_nothing_of_what_is_left_while_it_cannot_know(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    sockets = sockets_of(desk)
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("t")
    desk.page.wait_for_selector(".mk-tracking:visible")
    sockets[-1].close()
    desk.expect(".mk-tracking-text").to_have_text("Waiting for the connection…")
    for _ in range(100):
        engine.gate.release()
    desk.expect_frame(30)


def test_a_lost_connection_comes_back_by_itself(desk: Desk, picture: Path) -> None:
    sockets = sockets_of(desk)
    desk.open(picture)
    sockets[-1].close()
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    assert len(sockets) == 2


def test_a_server_that_stays_away_is_waited_for(desk: Desk, picture: Path) -> None:
    away: list[bool] = []
    sockets: list[Any] = []

    def through(socket: Any) -> None:
        sockets.append(socket)
        if away:
            socket.close()
        else:
            socket.connect_to_server()

    desk.page.route_web_socket(re.compile(r".*/ws\?"), through)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    away.append(True)
    sockets[-1].close()
    desk.page.wait_for_selector(".mk-banner:has-text('The connection was lost. Reconnecting; your work is kept.')")
    desk.expect(".mk-status[data-line=lost]").to_have_count(1)
    desk.click(0.7, 0.5)
    away.clear()
    desk.expect_mask(0.67, 0.46)
    desk.expect(".mk-banner").to_be_hidden()


def two_tabs(visit: Callable[..., Desk], address: str, picture: Path) -> tuple[Desk, Desk]:
    """A tab with a click on a picture, and its double that has taken the work over, as duplicating a tab does."""
    one = visit(address)
    one.open(picture)
    one.click(0.3, 0.5)
    one.expect_mask(0.27, 0.46)
    one.page.wait_for_function("JSON.parse(sessionStorage.getItem('masklet') ?? '{}').journal?.length === 1")
    kept = one.page.evaluate("sessionStorage.getItem('masklet')")
    two = visit(address, context=one.context)
    two.page.evaluate("kept => sessionStorage.setItem('masklet', kept)", kept)
    two.page.reload()
    two.page.wait_for_selector(".mk[data-state=work]")
    return one, two


def test_a_work_that_another_tab_took_over_can_be_taken_back(
    server: tuple[Server, str], visit: Callable[..., Desk], picture: Path
) -> None:
    one, two = two_tabs(visit, server[1], picture)
    two.expect_mask(0.27, 0.46)
    sent: list[str] = []
    one.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    one.page.bring_to_front()
    one.page.wait_for_selector(".mk-banner:has-text('This work is open in another tab.')")
    one.page.click(".mk-banner-act")
    two.page.bring_to_front()
    two.page.wait_for_selector(".mk-banner:has-text('This work is open in another tab.')")
    one.page.bring_to_front()
    one.click(0.7, 0.5)
    one.expect_mask(0.67, 0.46)
    one.expect(".mk-banner").to_be_hidden()
    assert [frame for frame in sent if '"set_prompt"' in frame]
    assert not [frame for frame in sent if '"edit_log"' in frame], "the other tab has changed nothing"


def test_what_another_tab_has_opened_meanwhile_has_no_objects_of_the_former_work(
    server: tuple[Server, str], visit: Callable[..., Desk], picture: Path, clip: Path
) -> None:
    one, two = two_tabs(visit, server[1], picture)
    two.open(clip)
    one.page.bring_to_front()
    one.page.wait_for_selector(".mk-banner:has-text('This work is open in another tab.')")
    one.page.click(".mk-banner-act")
    one.expect(".mk-file-name").to_have_text("film.mp4")
    one.expect(".mk-side-empty").to_be_visible()
    one.expect(".mk-undo").to_be_disabled()


def test_each_tab_has_its_own_masks_when_it_takes_a_work_back(
    server: tuple[Server, str], visit: Callable[..., Desk], picture: Path
) -> None:
    one, two = two_tabs(visit, server[1], picture)
    two.press("n")
    two.click(0.7, 0.5)
    two.expect_mask(0.67, 0.46)
    one.page.bring_to_front()
    one.page.wait_for_selector(".mk-banner:has-text('This work is open in another tab.')")
    one.page.reload()
    one.page.wait_for_selector(".mk[data-state=work]")
    one.expect_mask(0.27, 0.46)
    one.expect_mask(0.67, 0.46, there=False)
    two.page.bring_to_front()
    two.page.click(".mk-banner-act")
    two.expect_toast("Your work is back")
    two.expect_mask(0.67, 0.46)
    two.expect_mask(0.27, 0.46)
    one.page.bring_to_front()
    one.page.click(".mk-banner-act")
    one.expect_toast("Your work is back")
    one.click(0.7, 0.7)
    one.expect_mask(0.67, 0.66)
    one.expect_objects(1)


def test_an_opening_that_is_lost_with_the_connection_is_told(
    desk: Desk, picture: Path, opening_gate: Callable[[], OpeningGate]
) -> None:
    sockets = sockets_of(desk)
    gate = opening_gate()
    desk.page.set_input_files(".mk-picker", picture)
    gate.wait_for_file()
    gate.lose()
    sockets[-1].close(code=1011)
    desk.expect_toast("What you were opening was lost with the connection")
    desk.expect(".mk-progress-overlay").to_be_hidden()


def test_a_medium_that_opens_while_the_connection_is_lost_is_new(
    desk: Desk, picture: Path, opening_gate: Callable[[], OpeningGate]
) -> None:
    sockets: list[Any] = []
    gates: list[OpeningGate] = []

    def through(socket: Any) -> None:
        for gate in gates:
            gate.let_through()
            gate.wait_until_open()
        sockets.append((socket, socket.connect_to_server()))

    desk.page.route_web_socket(re.compile(r".*/ws\?"), through)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    gates.append(opening_gate())
    desk.page.set_input_files(".mk-picker", picture)
    gates[0].wait_for_file()
    sockets[-1][0].close(code=1011)
    desk.expect(".mk-side-empty").to_be_visible()
    desk.expect(".mk-undo").to_be_disabled()
    desk.expect_mask(0.27, 0.46, there=False)
    desk.expect(".mk-toast").to_have_count(0)


def take_over_while_opening(one: Desk, two: Desk, gate: OpeningGate, picker: str, picture: Path, name: str) -> None:
    """The first tab takes the work over while the second one opens a photo under this name."""
    photo: Any = {"name": name, "mimeType": "image/png", "buffer": picture.read_bytes()}
    two.page.set_input_files(picker, files=[photo])
    gate.wait_for_file()
    one.page.bring_to_front()
    one.page.click(".mk-banner-act")


def test_a_tab_that_is_taken_back_while_it_opens_another_photo(
    server: tuple[Server, str], visit: Callable[..., Desk], picture: Path, opening_gate: Callable[[], OpeningGate]
) -> None:
    one, two = two_tabs(visit, server[1], picture)
    gate = opening_gate()
    take_over_while_opening(one, two, gate, ".mk-picker", picture, "another.png")
    one.click(0.7, 0.5)
    one.expect_mask(0.67, 0.46)
    two.page.bring_to_front()
    two.page.click(".mk-banner-act")
    two.expect_toast("Your work is back")
    two.expect_mask(0.27, 0.46)
    gate.let_through()
    two.page.wait_for_selector(".mk-file-name[title='another.png']", state="attached")
    two.expect(".mk-undo").to_be_disabled()
    two.expect_mask(0.27, 0.46, there=False)


def test_photos_that_were_added_come_to_the_tab_that_is_taken_back(
    server: tuple[Server, str], visit: Callable[..., Desk], picture: Path, opening_gate: Callable[[], OpeningGate]
) -> None:
    one, two = two_tabs(visit, server[1], picture)
    gate = opening_gate()
    take_over_while_opening(one, two, gate, ".mk-adder", picture, "added.png")
    gate.let_through()
    one.page.wait_for_selector(".mk-photo-name:has-text('added.png')")
    two.page.bring_to_front()
    two.page.click(".mk-banner-act")
    two.page.wait_for_selector(".mk-photo-name:has-text('added.png')")
    two.press("Home")
    two.expect_mask(0.27, 0.46)


def test_no_progress_is_shown_of_an_opening_that_was_cancelled(
    desk: Desk, picture: Path, opening_gate: Callable[[], OpeningGate]
) -> None:
    late: list[Any] = []
    pages: list[Any] = []

    def through(socket: Any) -> None:
        server = socket.connect_to_server()
        pages.append(socket)
        server.on_message(lambda message: late.append(message) if b'"ingest"' in message else socket.send(message))

    desk.page.route_web_socket(re.compile(r".*/ws\?"), through)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    gate = opening_gate()
    desk.page.set_input_files(".mk-picker", picture)
    gate.wait_for_file()
    for _ in range(1000):
        if late:
            break
        desk.page.evaluate("new Promise(requestAnimationFrame)")
    desk.page.click(".mk-progress-cancel")
    for message in late:
        pages[-1].send(message)
    for _ in range(5):
        desk.page.evaluate("new Promise(requestAnimationFrame)")
    desk.expect(".mk-progress-overlay").to_be_hidden()
    gate.let_through()


def test_a_connection_that_died_without_a_word_is_noticed(desk: Desk, picture: Path) -> None:
    sockets: list[Any] = []

    def through(socket: Any) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)
        if len(sockets) == 1:
            socket.on_message(lambda message: None if dead else server.send(message))
            server.on_message(lambda message: None if dead else socket.send(message))

    dead: list[bool] = []
    desk.page.route_web_socket(re.compile(r".*/ws\?"), through)
    desk.page.clock.install()
    desk.page.reload()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    desk.open(picture)
    dead.append(True)
    desk.click(0.3, 0.5)
    desk.page.clock.fast_forward(20_000)
    assert len(sockets) == 1, "silence for a while means nothing"
    desk.page.clock.fast_forward(20_000)
    desk.expect_mask(0.27, 0.46)
    assert len(sockets) == 2
