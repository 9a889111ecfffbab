"""What whoever runs the server can see, and that no user is in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sam2_core.errors import BadPrompt
from sam2_core.serving.commands import Command, SetPrompt
from sam2_core.serving.engine import QueueStatus
from tests.fakes import FakeEngine
from tests.ui.house import House, open_house, picture_bytes
from ui.health import MAX_RESTARTS, RESTART_SECONDS, Health
from ui.logs import JsonFormatter, log_as_json

CLICK = {"points": [[20, 24, 1]]}


class TroubledEngine(FakeEngine):
    """Fails for one object, and was started anew so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.restarts = 0

    def status(self, session: str = "") -> QueueStatus:
        return QueueStatus("device", None, 0, 0.0, restarts=self.restarts, waiting=3, device_bytes=5000)

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt) and command.object_id == 66:
            raise RuntimeError("the password is swordfish")
        return super().execute(session, command)


@pytest.fixture
def house() -> Iterator[House]:
    with open_house(TroubledEngine()) as house:
        yield house


@contextmanager
def watcher(house: House, host: str = "127.0.0.1", **headers: str) -> Iterator[TestClient]:
    routes = Health(house.sessions, house.sessions.clock).routes()
    with TestClient(Starlette(routes=routes), client=(host, 5000), headers=headers) as client:
        yield client


def figures(client: TestClient) -> dict[str, float]:
    """The value of each sample by its name and labels."""
    text = client.get("/metrics").text
    assert "swordfish" not in text
    assert "holiday" not in text
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_done_is_counted_and_measured(house: House, caplog: pytest.LogCaptureFixture) -> None:
    token = house.session().token
    with house.page(token) as page, watcher(house) as client:
        house.upload(token, picture_bytes(), "holiday.png")
        page.receive("opened")
        for number, kind in ((1, "masks"), (66, "error")):
            page.send("set_prompt", seq=number, frame=0, object=number, prompt=CLICK)
            page.receive(kind, seq=number)
        page.send("set_prompt", seq=3, frame=99, object=1, prompt=CLICK)
        page.receive("error", seq=3)
        house.session()
        house.sweep()
        found = figures(client)
    assert found["masklet_click_seconds_count"] == 1
    assert found["masklet_track_seconds_count"] == 0
    assert (found["masklet_sessions"], found["masklet_sessions_present"]) == (2, 1)
    assert found["masklet_sessions_opened_total"] == 2
    assert (found["masklet_refusals_total BadPrompt"], found["masklet_errors_total"]) == (1, 1)
    assert (found["masklet_engine_waiting"], found["masklet_device_bytes"]) == (3, 5000)
    assert (found["masklet_jobs_running"], found["masklet_jobs_waiting"]) == (0, 0)
    assert found["masklet_disk_bytes"] > 0


def test_whoever_makes_room_is_counted() -> None:
    with open_house(max_sessions=1) as house, watcher(house) as client:
        house.session()
        house.now = 100.0
        house.session()
        assert figures(client)["masklet_evictions_total"] == 1


@pytest.mark.parametrize(
    ("setting", "host", "headers", "status"),
    [
        ("local", "127.0.0.1", {}, 200),
        ("local", "::1", {}, 200),
        ("local", "192.0.2.7", {}, 404),
        ("local", "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 404),
        ("always", "192.0.2.7", {}, 200),
        ("never", "127.0.0.1", {}, 404),
    ],
)
def test_strangers_read_the_figures_only_where_they_may(
    setting: str, host: str, headers: dict[str, str], status: int
) -> None:
    with open_house(metrics=setting) as house, watcher(house, host, **headers) as client:
        assert client.get("/metrics").status_code == status
        assert client.get("/health").json() == {"live": True, "ready": True}


def test_a_network_that_hangs_again_and_again_calls_for_a_new_process(house: House) -> None:
    with watcher(house) as client:

        def answers() -> list[int]:
            return [client.get(f"/health{part}").status_code for part in ("", "/live", "/ready")]

        house.engine.restarts = MAX_RESTARTS - 1
        assert answers() == [200, 200, 200]
        house.now += RESTART_SECONDS
        house.engine.restarts += 1
        assert answers() == [503, 503, 200], "as many within the time"
        house.now += 1.0
        assert answers() == [200, 200, 200]


def test_a_server_without_its_network_is_not_ready(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.services.models, "is_loaded", lambda name: False)
    with watcher(house) as client:
        assert client.get("/health").json() == {"live": True, "ready": False}
        assert [client.get(f"/health/{part}").status_code for part in ("live", "ready")] == [200, 503]


# --- the log ----------------------------------------------------------------------------------------------------------


def record(logger: str, message: str, *values: object, exc_info: Any = None) -> dict[str, Any]:
    """A line of the log."""
    handler, stream = logging.StreamHandler(io.StringIO()), io.StringIO()
    handler.setStream(stream)
    handler.setFormatter(JsonFormatter())
    handler.handle(logging.getLogger(logger).makeRecord(logger, logging.ERROR, "f", 1, message, values, exc_info))
    [line] = stream.getvalue().splitlines()
    assert "holiday" not in line
    return dict(json.loads(line))


def test_lines_of_the_log_name_no_values_and_no_messages_of_exceptions() -> None:
    try:
        raise BadPrompt("holiday.png cannot be read")
    except BadPrompt as error:
        line = record("ui.jobs", "%s has failed", "holiday.png", exc_info=(BadPrompt, error, error.__traceback__))
    assert (line["level"], line["logger"], line["message"], line["error"]) == (
        *("error", "ui.jobs", "%s has failed"),
        "BadPrompt",
    )
    assert line["at"][-1].startswith("test_lines_of_the_log_")
    assert record("asyncio", "Task exception was never retrieved\nfuture: <Task holiday>")["message"] == (
        "Task exception was never retrieved"
    )
    assert record("uvicorn.error", "Exception in 'holiday'")["message"] == "Exception in"


def test_sessions_begin_and_end_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    root, stream = logging.getLogger(), io.StringIO()
    levels = {name: logging.getLogger(name).level for name in ("ui", "sam2_core")}
    monkeypatch.setattr(root, "handlers", [])
    try:
        log_as_json(stream)
        with open_house() as house:
            session = house.session()
            house.now = 61.0
            house.sweep()
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["A session was opened", "A session has ended"]
    assert lines[0]["session"] == lines[1]["session"]
    assert lines[1]["seconds"] == 61.0
    assert session.token not in stream.getvalue()
