"""Some inputs for each target, always the same ones, and all failures that were ever found."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="`pip install hypothesis` to fuzz")

from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.__main__ import read_input
from tests.fuzz.targets import TARGETS, is_declared

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = {"archives": 60, "pictures": 120, "clips": 3}


@pytest.mark.parametrize("name", TARGETS)
def test_what_strangers_send_is_read_or_refused(name: str) -> None:
    target = TARGETS[name]

    @settings(
        max_examples=EXAMPLES.get(name, 250),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs())
    def read(value: object) -> None:
        try:
            target.read(value)
        except Exception as error:
            if not is_declared(error):
                raise

    read()


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*-*")), ids=lambda file: file.name)
def test_what_once_failed_is_read_or_refused(file: Path) -> None:
    target, value = read_input(file)
    try:
        target.read(value)
    except Exception as error:
        if not is_declared(error):
            raise
