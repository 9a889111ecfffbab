"""`RayEngine`: engines in other processes and on other machines, behind the same seam, through Ray Serve (extra `ray`).

A deployment has one engine, and so one device, in each of its replicas. Serve starts more of them as calls pile up,
replaces those that die, and routes by consistent hashing: all calls of a session go to the same replica as long as it
is there. After that the session is gone (`SessionGone`), and whoever has its edit log replays it wherever it goes next.

Frames are read from the folder of the medium. Where a replica does not see that folder, because its machine shares no
storage with this one, it gets a copy, once for all sessions on the same content.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import os
import secrets
import shutil
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray import serve
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.serve.config import AutoscalingConfig, RequestRouterConfig
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RequestCancelledError
from ray.serve.experimental.consistent_hash_router import ConsistentHashRouter

from sam2_core.errors import Busy, ConfigError, SessionGone, WeightsError
from sam2_core.networks import KnownNetwork
from sam2_core.serving.commands import Command
from sam2_core.serving.engine import Engine, QueueStatus
from sam2_core.types import LiveMedium, Progress, SessionInfo
from sam2_core.weights import fetch_weights

T = TypeVar("T")
_log = logging.getLogger(__name__)

STATUS_SECONDS = 0.5
"""How old a status may be before it is asked for again."""

_CALLS_PER_REPLICA = 100_000  # an engine has a queue of its own, which knows what is urgent
_WANTED_CALLS = 8  # that wait at a replica, beyond which another one is started


@dataclass(frozen=True, slots=True)
class RayCluster:
    """Where engines run: `address` is that of a cluster, or "auto" for the one of this machine, which is started if
    there is none. Of the `least` to `most` engines each takes a GPU where `device` is "cuda", or "auto" and the cluster
    has some, else a core."""

    address: str = "auto"
    least: int = 1
    most: int = 1
    device: str = "auto"

    @classmethod
    def parse(cls, address: str, engines: str, device: str) -> RayCluster:
        """From settings; `engines` is a number, or a range such as 1-8. Raises `ConfigError`."""
        first, _, last = engines.partition("-")
        try:
            least, most = int(first), int(last or first)
        except ValueError:
            least, most = 0, 0
        if not 1 <= least <= most:
            raise ConfigError(f"The setting ray_engines must be a number or a range such as 1-8, not {engines!r}.")
        return cls(address, least, most, device)

    def connect(self) -> None:
        """Join the cluster, unless this process has. Raises `ConfigError`."""
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")  # it would tell of SIGTERM as of a crash
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        try:
            try:
                ray.init(address=self.address, log_to_driver=False)
            except ConnectionError:
                if self.address != "auto":
                    raise
                ray.init(num_cpus=max(self.most, os.cpu_count() or 1), include_dashboard=False, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError(f"There is no Ray cluster at {self.address} ({str(error).splitlines()[0]}).") from error

    @property
    def resources(self) -> dict[str, Any]:
        """What Ray reserves for each engine."""
        resources: Any = ray.cluster_resources
        has_gpus = self.device == "auto" and resources().get("GPU", 0) > 0
        return {"num_gpus": 1} if has_gpus or self.device.startswith("cuda") else {"num_cpus": 1}

    @property
    def shortage(self) -> str:
        """What is missing for the least engines, as a sentence; empty where nothing is."""
        [(kind, _)] = self.resources.items()
        available: Any = ray.available_resources
        free = int(available().get({"num_gpus": "GPU", "num_cpus": "CPU"}[kind], 0))
        if free >= self.least:
            return ""
        unit = "GPU" if kind == "num_gpus" else "core"
        return (
            f"The Ray cluster has {free} free {unit}s and is asked for {self.least} engines, each with a {unit} of its "
            "own: waiting until there are more. If it does not grow by itself, lower ray_engines, or add machines."
        )


def build_ray_engine(
    name: str, network: KnownNetwork | None, build: Callable[[], Engine], cluster: RayCluster, progress: Progress
) -> RayEngine:
    """Start engines on a cluster, see `RayEngine`. The published weights of a `network` are downloaded here first, once
    and with progress; machines that do not share this one's cache download them themselves."""
    if network is not None:
        fetch_weights(network, progress)
    progress(None, "Starting engines on the cluster")
    return RayEngine(name, build, cluster)


class EngineReplica:
    """What runs in each replica: an engine, and which of its sessions has which key."""

    def __init__(self, build: Callable[[], Engine]) -> None:
        self._engine = build()
        self._sessions: dict[str, str] = {}
        self._copies = MediaCopies()

    async def has(self, media: str) -> bool:
        """Whether the folder of a medium can be read here."""
        return Path(media).is_dir()

    async def open(self, key: str, media: str | LiveMedium, packed: bytes | None = None) -> SessionInfo:
        """See `Engine.open`; `packed` is the content of the folder where it cannot be read here."""
        here = media if packed is None else await asyncio.to_thread(self._copies.take, key, packed)
        try:
            info = await asyncio.wrap_future(self._engine.open(here))
        except BaseException:
            self._copies.release(key)
            raise
        self._sessions[key] = info.id
        return replace(info, id=key)

    async def run(self, key: str, command: Command[T]) -> T:
        """See `Engine.run`."""
        if key not in self._sessions:
            raise SessionGone()
        return await asyncio.wrap_future(self._engine.run(self._sessions[key], command))

    async def status(self, key: str) -> QueueStatus:
        """See `Engine.status`."""
        return self._engine.status(self._sessions.get(key, ""))

    async def close(self, key: str) -> None:
        """See `Engine.close`."""
        session = self._sessions.pop(key, None)
        if session is not None:
            await asyncio.wrap_future(self._engine.close(session))
        self._copies.release(key)

    def __del__(self) -> None:
        with suppress(AttributeError):  # building has failed
            self._engine.shut_down()
            self._copies.clear()


class MediaCopies:
    """Folders of media that came over the network, one for each content, and which sessions use them."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="masklet-media-"))
        self._users: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, packed: bytes) -> str:
        """The folder of a medium, for a session."""
        name = hashlib.sha256(packed).hexdigest()
        folder = self._folder / name
        with self._lock:
            self._users.setdefault(name, set()).add(key)
            if not folder.is_dir():
                unpack(packed, folder)
        return str(folder)

    def release(self, key: str) -> None:
        """A session needs none any more."""
        with self._lock:
            for name, users in list(self._users.items()):
                users.discard(key)
                if not users:
                    del self._users[name]
                    shutil.rmtree(self._folder / name, ignore_errors=True)

    def clear(self) -> None:
        """Delete them all."""
        shutil.rmtree(self._folder, ignore_errors=True)


def pack(folder: Path) -> bytes:
    """The files of a medium, in an order and form that depend on their content alone."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return file.getvalue()


def unpack(packed: bytes, folder: Path) -> None:
    """Write the files into a new folder, which is complete once it is there."""
    unfinished = folder.with_name(f"{folder.name}.part")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(unfinished, filter="data")
    unfinished.rename(folder)


class RayEngine:
    """The `Engine` over replicas on a Ray cluster."""

    def __init__(self, name: str, build: Callable[[], Engine], cluster: RayCluster) -> None:
        """Deploy under a name, and wait until the first replicas are ready. `build` runs in each of them.

        Raises `ConfigError` without a cluster, and `WeightsError` where no engine can be started.
        """
        cluster.connect()
        if shortage := cluster.shortage:
            _log.warning(shortage)
        self._name = f"masklet-{name}"
        scaling = AutoscalingConfig(
            min_replicas=cluster.least, max_replicas=cluster.most, target_ongoing_requests=_WANTED_CALLS
        )
        router: Any = ConsistentHashRouter
        routing = RequestRouterConfig(request_router_class=router, request_router_kwargs={"num_fallback_replicas": 0})
        deploy: Any = serve.deployment
        deployment = deploy(
            EngineReplica,
            name="engine",
            ray_actor_options=cluster.resources,
            autoscaling_config=scaling,
            request_router_config=routing,
            max_ongoing_requests=_CALLS_PER_REPLICA,
            max_constructor_retry_count=1,
        )
        try:
            serve.start(http_options={"location": "NoServer"})
            self._handle = serve.run(deployment.bind(build), name=self._name, route_prefix=None)
        except RuntimeError as error:
            raise WeightsError(f"No engine could be started on the Ray cluster: {error}") from error
        self._statuses: dict[str, QueueStatus] = {}
        self._asked: dict[str, float] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="masklet-ray", daemon=True)
        self._thread.start()
        self._submit(self._refresh("")).result()

    def open(self, media: str | LiveMedium) -> Future[SessionInfo]:
        """See `Engine.open`."""
        return self._submit(self._open(secrets.token_hex(12), media))

    def run(self, session: str, command: Command[T]) -> Future[T]:
        """See `Engine.run`."""
        return self._submit(self._call("run", session, session, command))

    def status(self, session: str = "") -> QueueStatus:
        """See `Engine.status`. It is as old as the last answer of the replica."""
        now = time.monotonic()
        if self._loop.is_running() and now - self._asked.get(session, -STATUS_SECONDS) >= STATUS_SECONDS:
            self._asked[session] = now
            self._submit(self._refresh(session))
        return self._statuses.get(session) or self._statuses[""]

    def close(self, session: str) -> Future[None]:
        """See `Engine.close`."""
        return self._submit(self._close(session))

    def shut_down(self) -> None:
        """See `Engine.shut_down`. The cluster stays."""
        if self._loop.is_running():
            self._handle.shutdown()  # else it goes on to report, and starts a Ray of its own once this one has ended
            serve.delete(self._name)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _submit(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        if self._loop.is_running():
            return asyncio.run_coroutine_threadsafe(call, self._loop)
        call.close()
        ended: Future[T] = Future()
        ended.set_exception(SessionGone("The server is shutting down."))
        return ended

    async def _call(self, method: str, key: str, *arguments: Any) -> Any:
        """Call the replica of a session, or any without a key."""
        handle = self._handle.options(session_id=key) if key else self._handle
        try:
            return await getattr(handle, method).remote(*arguments)
        except RayTaskError as error:
            raise error.cause from None
        except RequestCancelledError:
            raise asyncio.CancelledError from None
        except RayActorError as error:
            raise SessionGone() from error
        except (BackPressureError, DeploymentUnavailableError, RayError) as error:
            raise Busy("No engine is free at the moment. Wait a moment and try again.") from error

    async def _open(self, key: str, media: str | LiveMedium) -> SessionInfo:
        packed = None
        if isinstance(media, str) and Path(media).is_dir() and not await self._call("has", key, media):
            packed = ray.put(await asyncio.to_thread(pack, Path(media)))
        opened: SessionInfo = await self._call("open", key, key, media, packed)
        return opened

    async def _refresh(self, session: str) -> None:
        status: QueueStatus = await self._call("status", session, session)
        self._statuses[session] = status

    async def _close(self, session: str) -> None:
        with suppress(SessionGone):
            await self._call("close", session, session)
        for known in (self._statuses, self._asked):
            known.pop(session, None)
