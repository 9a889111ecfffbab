"""The server: sessions, routes, the page inside Gradio's Blocks, and the API beside it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from gradio.tunneling import CURRENT_TUNNELS
from starlette.middleware import Middleware

from sam2_core.errors import Busy
from sam2_core.media import (
    MAX_LAYERS,
    MAX_TEXT_LENGTH,
    color_of,
    hex_of,
)
from sam2_core.media.effects.effect_stack import effect_tables
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.detector_registry import DetectorRegistry
from sam2_core.serving.export_formats import SESSION_FORMATS
from sam2_core.serving.model_registry import ModelRegistry
from sam2_core.serving.project import OWN_COLORS
from sam2_core.types import MAX_MASK_LENGTH
from ui import protocol
from ui.addresses import client_address
from ui.api.endpoints import endpoints
from ui.api.files import UploadLimit, exchange_in
from ui.api.publish import publish
from ui.api.upload_names import UploadNameRecorder, UploadNames
from ui.document import TITLE, complete_document
from ui.end_signals import EndSignals
from ui.examples import examples, hero
from ui.gateway.connections import QuietLoopErrors, guard_connections
from ui.gateway.logins import Logins, login_of
from ui.gateway.middleware import Gateway
from ui.gateway.page_document import PageDocument
from ui.gateway.page_policy import PagePolicy
from ui.health import Health
from ui.logs import log_as_json
from ui.page.connection import PageConnection
from ui.page.imports import MAX_PROMPTS
from ui.page.previews import SIDES
from ui.page.routes import Routes
from ui.sessions import Services, SessionRegistry
from ui.settings import BUNDLED, Settings
from ui.web_files import WEB, page_html, web_files

CACHE_SECONDS = (60, 600)  # Gradio looks this often for files of the API's callers, and deletes those that are older
HUGGING_FACE = "https://huggingface.co"  # origin of the page around a Space
POLL_SECONDS = 0.1  # between two looks whether the server is to end
MAX_SENT = 8  # times the largest upload: what the API's callers may have sent in the last minutes, all together


class Server:
    """Everything behind one address."""

    def __init__(
        self,
        settings: Settings,
        models: ModelRegistry,
        detectors: DetectorRegistry | None = None,
        better: BetterModel | None = None,
    ) -> None:
        self._settings = settings
        self._services = Services.create(settings, models, detectors, better)
        self.sessions = SessionRegistry(self._services)
        self.routes = Routes(self.sessions)
        self._upload_names = UploadNames()
        self._exchange = ExitStack()
        self._exchange.enter_context(exchange_in(self.sessions.exchange))
        self._gateway: Gateway | None = None
        self.demo = build(self.sessions, endpoints(self.sessions, self._upload_names))

    def start(self, **options: Any) -> str:
        """Serve in the background; returns the local address. `options` go to Gradio's launch."""
        settings = self._settings
        largest = max(settings.max_upload_bytes, settings.max_album_bytes)
        limit = Middleware(UploadLimit, max_request_bytes=largest + 1_000_000, max_total_bytes=MAX_SENT * largest)
        names = Middleware(UploadNameRecorder, names=self._upload_names)
        health = Health(self.sessions, time.monotonic)
        policy = PagePolicy(settings.frame_ancestors)
        document = Middleware(PageDocument, policy=policy, complete=complete_document)
        routes = [*self.routes.all(), *health.routes(), *web_files().routes()]
        _, address, _ = self.demo.launch(
            server_name=settings.host,
            server_port=settings.port or None,
            root_path=settings.root_path or None,
            share=settings.share,
            auth=settings.credentials,
            theme=theme(),
            favicon_path=WEB / "sign.svg",
            # Ours come first, and they stand before the server answers its first request.
            app_kwargs={"routes": routes, "lifespan": self._lifespan, "middleware": [document, limit, names]},
            prevent_thread_lock=True,
            show_error=False,
            max_file_size=settings.max_upload_bytes,
            run_history=False,
            state_session_capacity=4 * settings.max_sessions,  # of each, Gradio remembers the last answers of the API
            ssr_mode=False,
            enable_monitoring=False,
            footer_links=["api"],
            **options,
        )
        guard_connections(self.demo.server.config, settings)
        self.demo.server.config.loaded_app = self.demo.app  # without uvicorn's own trust in proxies
        if self.demo.share_url and self._gateway is not None:
            self._gateway.hosts.add_tunneled(urlsplit(self.demo.share_url).hostname or "")
        if settings.log_format == "json":
            log_as_json()  # once more: the server that was launched has put handlers of its own in place
        self._services.decoders.start()
        return str(address)

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[None]:
        """Put the gateway before all that answers, Gradio's own middleware included, as long as nothing can come in."""
        read, end = self._services.executors.read_message, self.sessions.end_login
        count = self._services.metrics.count_error
        gateway = self._gateway = Gateway(app.middleware_stack, self._settings, read, Logins(app), end, count)
        app.middleware_stack = gateway
        asyncio.get_running_loop().set_exception_handler(QuietLoopErrors())
        async with self.routes.lifespan(app):
            yield

    def run(self, signals: EndSignals) -> None:
        """Serve until one of the signals comes, which are on hold; `close` must follow."""
        self.start()
        while self.demo.is_running and not signals.came:
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Stop serving; nothing of any session stays on the disk."""
        try:
            self.demo.close(verbose=False)
            for tunnel in CURRENT_TUNNELS:
                tunnel.kill()
            self._services.close()
        finally:
            self._exchange.close()
            self.sessions.remove_all_files()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of all threads after `close`; False where one goes on after so many seconds."""
        return self._services.wait(seconds)


# --- the page ---------------------------------------------------------------------------------------------------------


def build(sessions: SessionRegistry, functions: Iterable[Callable[..., Any]]) -> gr.Blocks:
    """The page, and the endpoints beside it."""
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=CACHE_SECONDS) as demo:
        page = component(sessions.services.settings)
        quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        demo.load(open_session(sessions), None, page, **quiet)
        page.renew(open_session(sessions), None, page, **quiet)
        publish(functions, demo, sessions.services.metrics.count_error)
    demo.queue(api_open=False)
    return demo


def component(settings: Settings) -> gr.HTML:
    """The component that holds everything.

    Its template is static: text of users gets into the page by `textContent` only, never through a template.
    """
    return gr.HTML(
        html_template=page_html(),
        js_on_load=web_files().loader(),
        apply_default_css=False,
        elem_id="masklet",
        token="",
        problem="",
        issued=0,
        about=json.dumps(page_settings(settings)),
    )


def open_session(sessions: SessionRegistry) -> Callable[[gr.Request], Awaitable[Any]]:
    """The handler that gives a page its token; behind Gradio's login, so nobody else gets one."""

    async def handle(request: gr.Request) -> Any:
        connect = partial(PageConnection, clock=sessions.clock)
        try:
            session = await sessions.open(
                connect, login=login_of(request), address=client_address(request), can_return=True
            )
        except Busy as error:
            sessions.services.metrics.count_error(error)
            return gr.HTML(token="", problem=str(error), issued=time.time_ns())
        return gr.HTML(token=session.token, problem="", issued=time.time_ns())

    return handle


def theme() -> gr.themes.Base:
    """Gradio's plain theme in our colors; its fonts are the system's, so nothing is fetched from elsewhere."""
    fonts = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    hues = {"primary_hue": "indigo", "secondary_hue": "indigo", "neutral_hue": "zinc"}
    return gr.themes.Base(**hues, font=fonts, font_mono=["ui-monospace", "monospace"], radius_size="lg")


def page_settings(settings: Settings) -> dict[str, Any]:
    """What the page must know from the start: limits, examples, colors, and the tables of downloads and effects."""
    return {
        "text_prompts": bool(settings.detector_names),
        "lent_gpus": {"instead": BUNDLED, "lender": HUGGING_FACE} if settings.on_zero_gpu else None,
        "max_objects": settings.max_objects,
        "max_points": settings.max_points,
        "max_boxes": protocol.MAX_BOXES,
        "max_mask": MAX_MASK_LENGTH,
        "max_message": protocol.MAX_REQUEST_CHARACTERS,
        "max_prompts": MAX_PROMPTS,
        "max_train_minutes": settings.max_train_minutes if settings.may_train else 0,
        "max_upload_mb": settings.max_upload_mb,
        "max_pictures": settings.max_pictures,
        "max_frames": settings.max_frames,
        "max_album_mb": settings.max_album_mb,
        "max_live_side": settings.max_live_side,
        "examples": [
            {"name": each.name, "title": each.title, "kind": each.kind, "idea": each.idea}
            for each in examples().values()
        ],
        "hero": hero(),
        "colors": [hex_of(color_of(number)) for number in range(1, OWN_COLORS + 1)],
        "kinds": {name: each.to_json() for name, each in SESSION_FORMATS.items()},
        **effect_tables(),
        "max_layers": MAX_LAYERS,
        "max_text": MAX_TEXT_LENGTH,
        "max_preview": SIDES[-1],
    }
