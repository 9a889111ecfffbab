"""The networks that a server offers: what is known about each, and which of them are loaded, shared by all visitors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from sam2_core.errors import BadPrompt, Busy, Cancelled
from sam2_core.networks import KnownNetwork, is_known, known_network
from sam2_core.serving.engine import Engine
from sam2_core.serving.startup import Startup
from sam2_core.types import Progress


@dataclass(frozen=True, slots=True)
class Offer:
    """A network to choose. Strangers read `name` and `title`, so neither tells where files lie on this machine;
    `model` and `checkpoint` are what `build_engine` takes. `network` is None for weights of the operator's own."""

    name: str
    title: str
    model: str
    checkpoint: str = ""
    network: KnownNetwork | None = None


Build: TypeAlias = Callable[[Offer, Progress], Engine]


def offers_of(model: str, checkpoint: str = "", others: Iterable[str] = ()) -> list[Offer]:
    """The network that everybody starts with, and others by name; raises `ConfigError` for a name nobody knows."""
    own = Path(checkpoint or model).stem
    first = _offer(known_network(model)) if is_known(model) and not checkpoint else Offer(own, own, model, checkpoint)
    offers = {first.name: first}
    for network in map(known_network, others):
        offers.setdefault(network.name, _offer(network))
    return list(offers.values())


def _offer(network: KnownNetwork) -> Offer:
    return Offer(network.name, network.title, network.name, network=network)


@dataclass(eq=False)
class _Slot:
    offer: Offer
    holders: int = 1
    startup: Startup = field(init=False)

    @property
    def failed(self) -> bool:
        return self.startup.status.error is not None

    @property
    def can_go(self) -> bool:
        """Nobody holds it, and its thread is done with it."""
        return not self.holders and (self.failed or self.startup.status.ready)


class Lease:
    """A hold on a network: it stays loaded, or goes on loading, until `release`."""

    def __init__(self, offer: Offer, startup: Startup, release: Callable[[], None]) -> None:
        self.offer, self.startup = offer, startup
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Let go; repeating it is harmless."""
        release, self._release = self._release, None
        if release is not None:
            release()


class Catalogue:
    """Loads networks when they are wanted, at most `most` at a time. The first one offered is never given up; of the
    others, the one that was let go longest ago makes room. Any thread may call."""

    def __init__(self, offers: Sequence[Offer], build: Build, most: int) -> None:
        self.offers = tuple(offers)
        self._build, self._most = build, most
        self._slots: dict[str, _Slot] = {}  # the one that was let go last at the end
        self._lock = threading.Lock()
        self.lease(self.default)

    @property
    def default(self) -> str:
        """The network that everybody starts with."""
        return self.offers[0].name

    def lease(self, name: str) -> Lease:
        """Hold a network, which begins to load if it is not there; one that could not be loaded is tried again.

        Raises `BadPrompt` for a name that is not offered, and `Busy` where there is no room.
        """
        offer = next((offer for offer in self.offers if offer.name == name), None)
        if offer is None:
            raise BadPrompt("This server does not offer that model. Choose one from the list.")
        with self._lock:
            slot = self._slots.get(name)
            if slot is None or slot.failed:
                slot = self._load(offer)
            else:
                slot.holders += 1
        return Lease(offer, slot.startup, lambda: self._let_go(slot))

    def is_loaded(self, name: str) -> bool:
        """Whether a choice of it needs no loading."""
        slot = self._slots.get(name)
        return slot is not None and slot.startup.status.ready

    def close(self) -> None:
        """Shut every engine down."""
        with self._lock:
            for slot in self._slots.values():
                slot.startup.close()

    def _load(self, offer: Offer) -> _Slot:
        self._slots.pop(offer.name, None)
        self._make_room()
        slot = self._slots[offer.name] = _Slot(offer)
        slot.startup = Startup(lambda progress: self._build(offer, self._while_wanted(slot, progress)))
        return slot

    def _make_room(self) -> None:
        while len(self._slots) >= self._most:
            idle = [name for name, slot in self._slots.items() if slot.can_go and name != self.default]
            if not idle:
                there = ", ".join(slot.offer.title for slot in self._slots.values())
                raise Busy(
                    f"No further model fits into this server's memory while others use {there}. Choose one of these, "
                    "or try again later."
                )
            self._slots.pop(idle[0]).startup.close()

    def _while_wanted(self, slot: _Slot, progress: Progress) -> Progress:
        """Ends the loading at its next report once everybody has let go."""

        def report(fraction: float | None, message: str) -> None:
            if not slot.holders and slot.offer.name != self.default:
                raise Cancelled("Loading this model was given up. Choose it again.")
            progress(fraction, message)

        return report

    def _let_go(self, slot: _Slot) -> None:
        with self._lock:
            slot.holders -= 1
            if not slot.holders and self._slots.get(slot.offer.name) is slot:
                self._slots[slot.offer.name] = self._slots.pop(slot.offer.name)
