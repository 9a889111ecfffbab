"""The page's server: visitors, routes and layout put together and launched."""

from __future__ import annotations

import signal
from functools import partial
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from sam2_core.serving.catalogue import Catalogue
from ui.endpoints import Endpoints
from ui.layout import build, head, theme
from ui.reception import Reception
from ui.resources import Resources
from ui.routes import Routes
from ui.settings import Settings
from ui.takeaway import Takeaway
from ui.upload_limit import UploadLimit
from ui.visitors import Visitors
from ui.web_files import WEB, web_files
from ui.workbench import Workbench

MOST_SENT = 8  # times the largest upload: what the API's callers may have sent in the last minutes, all together


class Server:
    """Everything behind one address."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self._settings = settings
        self._resources = Resources.create(settings, catalogue)
        self.visitors: Visitors[Workbench] = Visitors(settings, partial(Workbench, resources=self._resources))
        self.routes = Routes(self.visitors, self._resources)
        shared = Reception(self.visitors, self._resources), self._resources
        endpoints = [*Endpoints(*shared).all(), *Takeaway(*shared).all()]
        self.demo: gr.Blocks = build(settings, self.visitors, endpoints)

    def start(self, **options: Any) -> str:
        """Serve in the background; returns the local address. `options` go to Gradio's launch."""
        settings = self._settings
        largest = max(settings.max_upload_bytes, settings.max_album_bytes)
        limit = Middleware(UploadLimit, most_at_once=largest + 1_000_000, most=MOST_SENT * largest)
        _, address, _ = self.demo.launch(
            server_name=settings.host,
            server_port=settings.port or None,
            root_path=settings.root_path or None,
            share=settings.share,
            auth=settings.credentials,
            theme=theme(),
            head=head(),
            favicon_path=WEB / "sign.svg",
            # Ours come first, and they stand before the server answers its first request.
            app_kwargs={
                "routes": [*web_files().routes(), *self.routes.all()],
                "lifespan": self.routes.lifespan,
                "middleware": [limit],
            },
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
        return str(address)

    def run(self) -> None:
        """Serve until interrupted or told to end, as containers are; the main thread must call."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self.start()
            self.demo.block_thread()
        finally:
            self.close()

    def close(self) -> None:
        """Stop serving; nothing of any visitor stays on the disk."""
        self.demo.close(verbose=False)
        self._resources.close()
        self.visitors.remove_all_files()
