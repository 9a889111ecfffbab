"""The network that one visitor works with: what the page is told about it and about the others."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from sam2_core.serving.catalogue import Catalogue, Lease, Offer
from sam2_core.serving.startup import Startup

from sam2_core.errors import Busy, MaskletError
from ui.jobs import Job
from ui.outbox import Outbox
from ui.resources import Resources
from ui.wire import pack

POLL_SECONDS = 0.3


class Models:
    """Holds one network of the server's catalogue at a time."""

    def __init__(self, outbox: Outbox, resources: Resources) -> None:
        self._outbox, self._resources = outbox, resources
        self._lease = resources.catalogue.lease(resources.catalogue.default)

    @property
    def startup(self) -> Startup:
        """The network in use, as it loads."""
        return self._lease.startup

    async def load(self, name: str, job: Job) -> Lease:
        """Another network, loaded; `take` it or release it. Where that fails, the present one stays."""
        lease = self._resources.catalogue.lease(name)
        try:
            while not lease.startup.status.ready:
                status = lease.startup.status
                if status.error:
                    raise Busy(status.error)
                job.report(status.fraction, status.message)
                await job.pause(asyncio.sleep(POLL_SECONDS))
        except BaseException:
            lease.release()
            raise
        return lease

    def take(self, lease: Lease) -> None:
        """Work with this network from now on, and let the former one go."""
        former, self._lease = self._lease, lease
        former.release()

    def close(self) -> None:
        """Let the network go."""
        self._lease.release()

    def still(self) -> str:
        """For whoever could not change: what they go on with."""
        return f" You go on with {self._lease.offer.title}." if self.startup.status.ready else ""

    async def tell(self) -> None:
        """How far loading the network in use is, until it has ended."""
        while True:
            lease = self._lease
            status = lease.startup.status
            about = {"fraction": status.fraction, "message": status.message, "error": status.error}
            named = {"name": lease.offer.name, "title": lease.offer.title, "device": await self._device()}
            self._outbox.put(pack({"t": "model", "ready": status.ready, **about, **named}), "model")
            if status.ready or status.error:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def tell_all(self) -> None:
        """What this server offers."""
        catalogue = self._resources.catalogue
        offers = await self._resources.call(partial(describe_offers, catalogue))
        load = await self._load()
        header = {"t": "models", "current": self._lease.offer.name, "offers": offers, **load}
        self._outbox.put(pack(header), "models")

    async def _device(self) -> str:
        return str((await self._load())["device"])

    async def _load(self) -> dict[str, Any]:
        try:
            load = await self._resources.call(lambda: self.startup.engine().load())
        except MaskletError:
            return {"device": "", "memory": None}
        return {"device": load.device, "memory": load.memory}


def describe_offers(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The networks that a server offers, as in the `models` message. Blocks: it looks for their weights."""
    return [{**_describe(offer), "loaded": catalogue.is_loaded(offer.name)} for offer in catalogue.offers]


def _describe(offer: Offer) -> dict[str, Any]:
    """An offer as the page needs it; `weights` says where they are."""
    about: dict[str, Any] = {"name": offer.name, "title": offer.title, "weights": "own"}
    network = offer.network
    if network is None:
        return about
    where = "bundled" if network.repository is None else "downloaded" if network.weights_on_disk else "remote"
    picture, frame = network.relative_gflops
    size = {"parameters": network.parameters, "megabytes": round(network.megabytes, 1)}
    return {**about, **size, "weights": where, "licence": network.license, "picture": picture, "frame": frame}
