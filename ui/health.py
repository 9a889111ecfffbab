"""Addresses for whoever runs the server.

GET /health         {live, ready}; 200 where both hold, else 503
GET /health/live    503: start the server again. The networks hang again and again
GET /health/ready   503: send no visitors here now. The network is loading, or could not be loaded
GET /metrics        figures for Prometheus (setting `metrics`)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ui.addresses import is_from_this_computer
from ui.sessions import SessionRegistry

MAX_RESTARTS = 3  # of networks within so many
RESTART_SECONDS = 600.0
FRESH = {"Cache-Control": "no-store"}


class Health:
    """How one server is. Belongs to one event loop."""

    def __init__(self, sessions: SessionRegistry, clock: Callable[[], float]) -> None:
        self._sessions, self._services, self._clock = sessions, sessions.services, clock
        self._restarts: deque[float] = deque(maxlen=MAX_RESTARTS)  # when the newest ones were noticed
        self._seen = 0

    def routes(self) -> list[BaseRoute]:
        """For Starlette."""
        return [
            Route("/health", self._both, methods=["GET"]),
            Route("/health/live", self._live, methods=["GET"]),
            Route("/health/ready", self._ready, methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]

    @property
    def is_live(self) -> bool:
        """Whether starting the server again would not help."""
        now, restarts = self._clock(), self._services.models.restarts
        self._restarts.extend([now] * min(MAX_RESTARTS, max(0, restarts - self._seen)))
        self._seen = restarts
        return len(self._restarts) < MAX_RESTARTS or now - self._restarts[0] > RESTART_SECONDS

    @property
    def is_ready(self) -> bool:
        """Whether visitors can work."""
        models = self._services.models
        return models.is_loaded(models.default)

    async def _both(self, request: Request) -> Response:
        about = {"live": self.is_live, "ready": self.is_ready}
        return JSONResponse(about, 200 if all(about.values()) else 503, FRESH)

    async def _live(self, request: Request) -> Response:
        return _answer(self.is_live)

    async def _ready(self, request: Request) -> Response:
        return _answer(self.is_ready)

    async def _metrics(self, request: Request) -> Response:
        setting = self._services.settings.metrics
        if setting == "never" or (setting == "local" and not is_from_this_computer(request, request.headers)):
            return JSONResponse({"error": "There is nothing here for you."}, 404, FRESH)
        text = await self._services.executors.read_file(self._services.metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4", headers=FRESH)


def _answer(is_well: bool) -> Response:
    return Response("yes" if is_well else "no", 200 if is_well else 503, FRESH, "text/plain")
