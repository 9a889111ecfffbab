"""What a server counts and measures, in the form that Prometheus reads. Nothing in it tells what users do it for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from sam2_core.errors import MaskletError
from sam2_core.serving.commands import Command, SetPrompt, Track
from sam2_core.serving.workspace import WorkspaceObserver

SECONDS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 5.0, 10.0, 30.0)


class Gauges(Protocol):
    """Tells how a server stands."""

    def __call__(self) -> Iterable[tuple[str, str, float]]:
        """Name, what it is, and value of each figure."""
        ...


class Metrics:
    """The figures of one server. Any thread may count."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._clicks = Histogram(
            "masklet_click_seconds", "From a prompt to its mask, waiting included", buckets=SECONDS, registry=registry
        )
        self._steps = Histogram(
            "masklet_track_seconds", "Of a step of tracking, waiting included", buckets=SECONDS, registry=registry
        )
        self._refusals = Counter(
            "masklet_refusals", "What was asked for in vain, by kind of error", ["kind"], registry=registry
        )
        self._errors = Counter("masklet_errors", "What went wrong unexpectedly", registry=registry)
        self._sessions = Counter("masklet_sessions_opened", "Sessions that were opened", registry=registry)
        self._evictions = Counter("masklet_evictions", "Idle sessions that were ended for newcomers", registry=registry)

    def gauge(self, figures: Gauges) -> None:
        """From now on also tell these figures."""
        self._registry.register(_Gauges(figures))

    def count_error(self, error: BaseException) -> None:
        """Somebody is told of this error."""
        if isinstance(error, MaskletError):
            self._refusals.labels(type(error).__name__).inc()
        else:
            self._errors.inc()

    def count_session(self) -> None:
        """A session was opened."""
        self._sessions.inc()

    def count_eviction(self) -> None:
        """A session was ended for a newcomer."""
        self._evictions.inc()

    def measure(self, command: Command[Any], seconds: float) -> None:
        """So long did a command take."""
        if isinstance(command, SetPrompt):
            self._clicks.observe(seconds)
        elif isinstance(command, Track):
            self._steps.observe(seconds)

    def text(self) -> bytes:
        """All figures, in the text format of Prometheus. Blocks for a moment."""
        return generate_latest(self._registry)


class MeasuringObserver(WorkspaceObserver):
    """Measures how long commands take."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def answered(self, command: Command[Any], seconds: float) -> None:
        """See `WorkspaceObserver`."""
        self._metrics.measure(command, seconds)


class _Gauges(Collector):
    def __init__(self, figures: Gauges) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        for name, about, value in self._figures():
            yield GaugeMetricFamily(name, about, value=value)
