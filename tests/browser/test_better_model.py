"""From nano to a better network that comes from the Hub meanwhile, with a server in this process as the Hub."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sam2_core.networks import NETWORKS
from sam2_core.serving.better_model import BetterModel, fetch_weights
from sam2_core.serving.local import LocalEngine
from sam2_core.serving.model_choice import Machine
from sam2_core.serving.model_registry import ModelRegistry
from sam2_core.types import Progress
from sam2_core.weights import build_network, find_weights, read_weights
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.hub import HubServer, hub_server, point_at
from tests.networks import TINY, tiny_network
from tests.ui.house import launched

pytestmark = pytest.mark.browser

PATIENCE = 90_000  # milliseconds; the machine may be busy
READY = ".mk-better-text:has-text('Better masks are ready.')"
NAME, TITLE = "sam2.1_hiera_tiny", "SAM 2.1 tiny"


@pytest.fixture
def hub(chromium: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """It has the weights of a small random network under the name of an official one."""
    content = io.BytesIO()
    torch.save({"model": tiny_network().state_dict()}, content)
    with hub_server(monkeypatch, tmp_path, content.getvalue()) as hub:
        yield hub


def load(progress: Progress) -> LocalEngine:
    """Really load what came."""
    file = find_weights(NETWORKS[NAME], progress)
    return LocalEngine(build_network(TINY, read_weights(file), file).requires_grad_(False))


def better(registry: ModelRegistry) -> BetterModel:
    return BetterModel(registry, lambda: Machine("cpu", 8, True, None, 1600.0), fetch_weights)


@pytest.fixture
def address(hub: HubServer) -> Iterator[str]:
    hub.gate.clear()
    with launched(FakeEngine(), "--models=nano", others={NAME: load}, better=better) as (_, address):
        yield address


@pytest.fixture
def offline(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    point_at("http://127.0.0.1:9", monkeypatch, tmp_path)  # the discard port is closed
    with launched(FakeEngine(), "--models=nano", others={NAME: load}, better=better) as (_, address):
        yield address


def test_the_page_opens_at_once_and_one_click_changes_to_what_has_come(
    address: str, visit: Callable[..., Desk], hub: HubServer, picture: Path
) -> None:
    desk = visit(address)
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.expect(".mk-better").to_be_hidden()
    desk.press("w")
    desk.page.wait_for_selector(f".mk-models-better-text:has-text('{TITLE} suits this machine.')", timeout=PATIENCE)
    desk.expect(".mk-model-card").to_have_count(1)
    hub.gate.set()
    desk.page.wait_for_selector(
        ".mk-better-text:has-text('Better masks are ready.')", state="attached", timeout=PATIENCE
    )
    desk.expect(".mk-models-better").to_be_hidden()
    desk.expect(".mk-model-card").to_have_count(2)
    card = desk.page.locator(".mk-model-card").nth(1).inner_text()
    assert "Very good · 76.5 J&F on SA-V test (SAM 2 repository)" in card
    assert "Estimate: about 0.64 s for a photo, 0.52 frames/s to track" in card
    desk.page.click(".mk-models-close")
    desk.page.click(f".mk-better button:has-text('Use {TITLE}')")
    desk.page.wait_for_selector(f".mk-toast:has-text('{TITLE} is in use now.')", timeout=PATIENCE)
    desk.expect(".mk-model-title").to_have_text(TITLE)
    desk.expect(".mk-better").to_be_hidden()
    desk.expect_objects(1)


def test_what_cannot_be_had_is_one_line_with_another_try(
    offline: str, visit: Callable[..., Desk], hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk = visit(offline)
    desk.page.click(".mk-model")
    line = f"{TITLE}, which suits this machine, could not be downloaded."
    desk.page.wait_for_selector(f".mk-models-better-text:text-is('{line}')", timeout=PATIENCE)
    reason = desk.page.get_attribute(".mk-models-better", "title") or ""
    assert reason.startswith("There is no connection to 127.0.0.1")
    point_at(hub.address, monkeypatch, tmp_path)
    desk.page.click(".mk-models-better-retry")
    desk.page.wait_for_selector(
        ".mk-better-text:has-text('Better masks are ready.')", state="attached", timeout=PATIENCE
    )
    desk.expect(".mk-models-better").to_be_hidden()
    desk.page.click(".mk-models-close")
    desk.page.click(".mk-better-close")
    desk.expect(".mk-better").to_be_hidden()
