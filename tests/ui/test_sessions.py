from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sam2_core.errors import Busy
from sam2_core.serving.workspace import WorkspaceObserver
from tests.fakes import FakeEngine
from tests.ui.house import registry, settings_with
from ui.addresses import client_address
from ui.memory import trim_memory
from ui.page.send_queue import SendQueue
from ui.protocol import Event
from ui.sessions import Services, Session, SessionRegistry


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Sessions(SessionRegistry):
    """Sessions whose clients are made here."""

    async def begin(self, address: str = "") -> Session:
        return await self.open(lambda session: Client(self.clock), address=address)

    async def come(self, address: str = "") -> Session:
        """A session whose page is there."""
        session = await self.begin(address)
        await client_of(session).queue.attach(nothing)
        self.touch(session)
        return session


class Peer:
    def __init__(self, host: str) -> None:
        self.host = host


class Call:
    def __init__(self, host: str | None) -> None:
        self.client = None if host is None else Peer(host)


class Client:
    observer = WorkspaceObserver()

    def __init__(self, clock: Callable[[], float]) -> None:
        self.queue = SendQueue(clock)
        self.closed = False

    @property
    def is_connected(self) -> bool:
        return self.queue.is_connected

    @property
    def disconnected_at(self) -> float:
        return self.queue.disconnected_at

    def send(self, event: Event) -> None:
        pass

    async def close(self) -> None:
        self.closed = True
        await self.queue.disconnect()


def client_of(session: Session) -> Client:
    assert isinstance(session.client, Client)
    return session.client


async def nothing() -> None:
    pass


Scene = Callable[[Sessions, Clock], Awaitable[None]]


def play(scene: Scene, places: int = 2) -> None:
    clock = Clock()
    times = {"grace_seconds": 60, "farewell_seconds": 10, "idle_minutes": 30}
    settings = settings_with(max_sessions=places, max_sessions_per_address=2, **times)
    services = Services.create(settings, registry(settings, FakeEngine(), {}))
    sessions = Sessions(services, clock)
    try:
        asyncio.run(scene(sessions, clock))  # type: ignore[arg-type]
    finally:
        sessions.remove_all_files()
        services.close()


async def later(sessions: Sessions, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    await sessions.sweep()


def test_tokens_and_folders_cannot_be_guessed() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        one, two = await sessions.begin(), await sessions.begin()
        assert len(one.token) >= 32
        assert one.token != two.token
        assert one.token not in str(one.folder)
        assert one.folder != two.folder
        assert sessions.find(one.token) is one
        assert sessions.find(one.token[:-1]) is None

    play(scene)


def test_a_lost_connection_has_a_grace_time() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        session = await sessions.begin()
        await client_of(session).queue.attach(nothing)
        await later(sessions, clock, 300)
        assert sessions.find(session.token), "it is there, only silent"
        client_of(session).queue.detach(nothing)
        await later(sessions, clock, 59)
        assert sessions.find(session.token)
        await later(sessions, clock, 2)
        assert sessions.find(session.token) is None
        assert client_of(session).closed
        assert not session.folder.exists()

    play(scene)


def test_a_goodbye_is_believed_unless_the_page_comes_back() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        gone, reloaded = await sessions.begin(), await sessions.begin()
        for session in (gone, reloaded):
            sessions.leave(session)
        await later(sessions, clock, 9)
        sessions.touch(reloaded)
        await later(sessions, clock, 2)
        assert sessions.find(gone.token) is None
        assert sessions.find(reloaded.token)

    play(scene)


def test_an_open_page_that_nobody_touches_ends() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        disconnected = []

        async def disconnect() -> None:
            disconnected.append(True)

        session = await sessions.begin()
        await client_of(session).queue.attach(disconnect)
        await later(sessions, clock, 29 * 60)
        sessions.touch(session)
        await later(sessions, clock, 29 * 60)
        assert sessions.find(session.token)
        await later(sessions, clock, 2 * 60)
        assert sessions.find(session.token) is None
        assert disconnected

    play(scene)


def test_whoever_waits_for_long_work_is_not_idle() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        tracking, sending = await sessions.begin(), await sessions.begin()
        for session in (tracking, sending):
            await client_of(session).queue.attach(nothing)
        with tracking.tasks.job("export"):
            async with sending.receiving:
                await later(sessions, clock, 5 * 3600)
                assert len(sessions) == 2
                with pytest.raises(Busy):
                    await sessions.begin()
        await later(sessions, clock, 1)
        assert len(sessions) == 0

    play(scene)


def test_a_newcomer_takes_the_place_that_was_idle_longest() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        first, second = await sessions.begin(), await sessions.begin()
        for session in (first, second):
            await client_of(session).queue.attach(nothing)
        with pytest.raises(Busy, match="few minutes"):
            await sessions.begin()
        clock.now += 200
        sessions.touch(first)
        third = await sessions.begin()
        assert sessions.find(second.token) is None
        assert sessions.find(first.token)
        assert sessions.find(third.token)

    play(scene)


def test_many_who_come_at_once_get_no_more_places_than_there_are() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        there = await sessions.come()
        came = await asyncio.gather(*(sessions.begin() for _ in range(5)), return_exceptions=True)
        got = [each for each in came if isinstance(each, Session)]
        assert (len(sessions), len(got)) == (2, 1)
        assert all(isinstance(each, Busy) for each in came if each not in got)
        assert sorted(there.folder.parent.iterdir()) == sorted(each.folder for each in (there, *got))

    play(scene)


def test_who_finds_no_place_leaves_nothing() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        both = [await sessions.begin(), await sessions.begin()]
        for session in both:
            await client_of(session).queue.attach(nothing)
        with pytest.raises(Busy):
            await sessions.begin()
        assert len(list(both[0].folder.parent.iterdir())) == 2

    play(scene)


def test_a_lost_connection_keeps_its_place_through_its_grace() -> None:
    """Newcomers meet a full house meanwhile, also where nobody is idle for less than the lost one."""

    async def scene(sessions: Sessions, clock: Clock) -> None:
        there, lost = await sessions.come(), await sessions.come()
        clock.now += 30
        sessions.touch(there)
        client_of(lost).queue.detach(nothing)
        for seconds in (1, 58):
            clock.now += seconds
            with pytest.raises(Busy):
                await sessions.begin()
        assert sessions.find(lost.token)
        clock.now += 2
        await sessions.begin()
        assert sessions.find(there.token)
        assert sessions.find(lost.token) is None

    play(scene)


async def expect_place_after_ten_seconds(sessions: Sessions, clock: Clock, former: Session) -> None:
    """In a full house, newcomers get the place of this session then, and not before."""
    clock.now += 9
    with pytest.raises(Busy):
        await sessions.begin()
    clock.now += 2
    await sessions.begin()
    assert sessions.find(former.token) is None


def test_a_reload_keeps_its_place() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        _, reloaded = await sessions.come(), await sessions.come()
        sessions.leave(reloaded)
        client_of(reloaded).queue.detach(nothing)
        await expect_place_after_ten_seconds(sessions, clock, reloaded)

    play(scene)


def test_who_opened_the_page_has_a_moment_to_connect() -> None:
    """Newcomers do not push each other out, and whoever never connects has no grace."""

    async def scene(sessions: Sessions, clock: Clock) -> None:
        await sessions.come()
        loading = await sessions.begin()
        await expect_place_after_ten_seconds(sessions, clock, loading)

    play(scene)


def test_one_address_does_not_get_all_places() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        greedy = [await sessions.come("192.0.2.7") for _ in range(2)]
        with pytest.raises(Busy, match="of your address"):
            await sessions.begin("192.0.2.7")
        for _ in range(3):
            await sessions.come()
        await sessions.come("192.0.2.8")
        assert len(sessions) == 6
        clock.now += 200
        sessions.touch(greedy[1])
        await sessions.come("192.0.2.7")
        assert sessions.find(greedy[0].token) is None, "one of its own that is idle makes room"
        assert len(sessions) == 6

    play(scene, places=8)


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        *((host, "") for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "testclient", "")),
    ],
)
def test_places_are_counted_by_address_but_on_this_computer(host: str, counted: str) -> None:
    assert client_address(Call(host)) == counted
    assert client_address(None) == client_address(Call(None)) == ""


def test_a_socket_that_cannot_be_closed_costs_nobody_the_clean_up() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        async def broken() -> None:
            raise OSError("dead")

        session = await sessions.begin()
        await client_of(session).queue.attach(broken)
        with pytest.raises(OSError, match="dead"):
            await sessions.close(session)
        assert client_of(session).closed
        assert not session.folder.exists()

    play(scene)


def test_memory_is_given_back_once_sessions_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr("ui.sessions.trim_memory", lambda: calls.append("trim"))

    async def scene(sessions: Sessions, clock: Clock) -> None:
        both = [await sessions.come() for _ in range(2)]
        await sessions.sweep()
        assert calls == []
        for session in both:
            await sessions.close(session)
        await sessions.sweep()
        await sessions.sweep()
        assert calls == ["trim"]

    play(scene)
    trim_memory()  # works, or does nothing, on any system


def test_all_can_be_closed() -> None:
    async def scene(sessions: Sessions, clock: Clock) -> None:
        both = [await sessions.begin(), await sessions.begin()]
        await sessions.close_all()
        assert len(sessions) == 0
        assert all(client_of(session).closed and not session.folder.exists() for session in both)

    play(scene)


def test_a_session_without_a_network_leaves_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, private: object) -> None:
        raise Busy("No further model fits into this server's memory.")

    async def scene(sessions: Sessions, clock: Clock) -> None:
        monkeypatch.setattr(sessions.services.models, "acquire", refuse)
        with pytest.raises(Busy, match="No further model"):
            await sessions.begin()
        assert (len(sessions), list(sessions._root.iterdir())) == (0, [])

    play(scene)
