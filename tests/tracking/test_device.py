"""The precision is the faster one of the device, and where instructions alone do not tell, it is measured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sam2_core.tracking import device as device_module
from sam2_core.tracking.device import fast_precision, has_fast_bfloat16

CPU = torch.device("cpu")
AMX, AVX512 = "_is_amx_tile_supported", "_is_avx512_bf16_supported"


@pytest.fixture(autouse=True)
def _measured_anew() -> Iterator[None]:
    device_module._cpu_gains_from_bfloat16.cache_clear()
    yield
    device_module._cpu_gains_from_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("features", "bfloat16_seconds", "expected"),
    [((), 0.1, False), ((AMX, AVX512), 9.0, True), ((AVX512,), 0.5, True), ((AVX512,), 2.0, False)],
)
def test_bfloat16_is_used_where_it_is_faster(
    features: tuple[str, ...], bfloat16_seconds: float, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {torch.bfloat16: bfloat16_seconds, torch.float32: 1.0}
    monkeypatch.setattr(device_module, "_multiply_seconds", seconds.__getitem__)
    for probe in (AMX, AVX512):
        monkeypatch.setattr(torch.cpu, probe, lambda probe=probe: probe in features, raising=False)
    assert has_fast_bfloat16(CPU) is expected
    with fast_precision(CPU)():
        assert torch.is_autocast_enabled("cpu") is expected


def test_older_versions_of_torch_without_the_probes_use_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in (AMX, AVX512):
        monkeypatch.delattr(torch.cpu, probe, raising=False)
    assert not has_fast_bfloat16(CPU)


def test_products_of_both_kinds_are_timed() -> None:
    assert all(0 < device_module._multiply_seconds(dtype) < 60 for dtype in (torch.bfloat16, torch.float32))
