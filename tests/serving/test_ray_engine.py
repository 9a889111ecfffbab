"""Engines on a Ray cluster of this machine: the contract (test_engine_contract.py), and what happens where one dies."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from inspect import signature
from pathlib import Path

import pytest

with warnings.catch_warnings():  # it uses what pydantic will remove
    warnings.simplefilter("ignore")
    pytest.importorskip("ray.serve", reason='`pip install "ray[serve]"` for engines on several machines')

import ray

from sam2_core.errors import ConfigError, SessionGone
from sam2_core.media import ingest
from sam2_core.serving.commands import GetMasks
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.serving.local import LocalEngine
from sam2_core.serving.ray_engine import EngineReplica, MediaCopies, RayCluster, RayEngine, pack, unpack
from sam2_core.serving.tracking_run import TrackingRequest
from sam2_core.serving.workspace import Workspace
from sam2_core.types import ObjectMask, Point, Prompt
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.networks import tiny_network
from tests.serving import test_engine_contract as contract
from tests.serving.calls import Calls
from tests.serving.workspaces import opened

pytestmark = pytest.mark.filterwarnings("ignore")
CLICK = Prompt((Point(30, 20),))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    ingest(make_clip(folder / "clip.mp4", frames=12), folder / "store")
    return folder / "store"


def test_a_medium_is_copied_where_its_folder_is_not_seen(clip: Path, tmp_path: Path) -> None:
    packed = pack(clip)
    assert packed == pack(clip)
    unpack(packed, tmp_path / "copy")
    names = sorted(path.relative_to(clip) for path in clip.rglob("*"))
    assert sorted(path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")) == names
    copies = MediaCopies()
    first, second = copies.take("a", packed), copies.take("b", packed)
    assert first == second
    copies.release("a")
    assert Path(second).is_dir()
    copies.release("b")
    assert not Path(second).exists()
    copies.clear()


def test_a_replica_knows_sessions_by_their_keys(clip: Path) -> None:
    async def scenario() -> None:
        replica = EngineReplica(FakeEngine)
        assert not await replica.has("/nowhere/store")
        info = await replica.open("key", "/nowhere/store", pack(clip))
        assert (info.id, info.frames) == ("key", 12)
        await replica.close("key")
        with pytest.raises(SessionGone):
            await replica.run("key", None)  # type: ignore[arg-type]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("device", "free", "sentence"),
    [
        ("cpu", {"CPU": 3.0}, ""),
        ("cpu", {"CPU": 2.0, "GPU": 8.0}, "has 2 free cores and is asked for 3 engines, each with a core"),
        ("cuda", {"CPU": 16.0}, "has 0 free GPUs and is asked for 3 engines, each with a GPU"),
    ],
)
def test_engines_that_must_wait_for_machines_are_told_of(
    device: str, free: dict[str, float], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray waits for ever, without a word."""
    monkeypatch.setattr(ray, "available_resources", lambda: free)
    shortage = RayCluster("auto", 3, 3, device).shortage
    assert sentence in shortage
    assert bool(sentence) == bool(shortage)


@pytest.mark.parametrize("engines", ["0", "3-2", "many", "-1"])
def test_a_range_of_engines_that_is_none(engines: str) -> None:
    with pytest.raises(ConfigError, match="ray_engines"):
        RayCluster.parse("auto", engines, "cpu")


def test_a_cluster_from_settings() -> None:
    cluster = RayCluster.parse("auto", "2-8", "cuda")
    assert (cluster, cluster.resources) == (RayCluster("auto", 2, 8, "cuda"), {"num_gpus": 1})
    assert RayCluster.parse("10.0.0.1:6379", "3", "cpu").resources == {"num_cpus": 1}


# --- on a cluster of three engines -----------------------------------------------------------------------------------


class TellingEngine(LocalEngine):
    """Its status tells in which process it runs."""

    def status(self, session: str = "") -> QueueStatus:
        return replace(super().status(session), device=str(os.getpid()))


def build() -> Engine:
    return TellingEngine(tiny_network())


@pytest.fixture(scope="module")
def three() -> Iterator[RayEngine]:
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
    engine = RayEngine("test", build, RayCluster(least=3, most=3))
    yield engine
    engine.shut_down()
    ray.shutdown()


CONTRACT = [
    test
    for name, test in vars(contract).items()
    if name.startswith("test_")
    and [*signature(test).parameters] == ["engine", "clip"]
    and not re.search("shut_down|busy", name)  # these end the engine, which others need
]


@pytest.mark.parametrize("test", CONTRACT, ids=lambda test: test.__name__.removeprefix("test_"))
def test_it_keeps_to_the_contract(three: RayEngine, clip: Path, test: Callable[[Calls, str], None]) -> None:
    test(Calls(three), str(clip))


def test_a_status_is_there_at_once(three: RayEngine, clip: Path) -> None:
    session = three.open(str(clip)).result(60).id
    assert three.status(session).device
    three.close(session).result(60)
    with pytest.raises(SessionGone):
        three.run(session, GetMasks(range(1))).result(60)


def test_when_an_engine_dies_all_go_on_and_get_the_same_masks(three: RayEngine, clip: Path) -> None:
    async def track(kill_after: int | None) -> list[list[tuple[ObjectMask, ...]]]:
        async with AsyncExitStack() as stack:
            workspaces = [await stack.enter_async_context(opened(clip, three)) for _ in range(3)]
            return await asyncio.gather(*(follow(number, each, kill_after) for number, each in enumerate(workspaces)))

    async def follow(number: int, workspace: Workspace, kill_after: int | None) -> list[tuple[ObjectMask, ...]]:
        await workspace.prompt(0, 1, Prompt((Point(20 + 10 * number, 24),)))
        count = 0
        async for _ in workspace.track(TrackingRequest("forward", 0, 0, 11)):
            count += 1
            if number == 0 and count == kill_after:
                os.kill(await process_of(workspace), signal.SIGKILL)
        return [each.objects for each in await workspace.masks(range(12))]

    async def process_of(workspace: Workspace) -> int:
        assert workspace._session.current is not None
        key = workspace._session.current.id
        await asyncio.wrap_future(three._submit(three._refresh(key)))
        return int(three._statuses[key].device)

    undisturbed = asyncio.run(track(None))
    assert asyncio.run(track(2)) == undisturbed
