"""Networks in the hands of PyTorch's compiler. Only its front end runs here; what it makes for a GPU needs one."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch._dynamo.utils import counters

from sam2_core.model.compilation import compile_for_gpu
from sam2_core.model.network import SAM2, Memory, Pointer
from tests.networks import TINY, tiny_network


def run(network: SAM2) -> list[Tensor]:
    """The parts that are compiled, with memories that grow."""
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    size, side = TINY.image_size, TINY.embedding_size
    features = network.encode_image(noise(1, 3, size, size))
    logits, score = noise(1, 1, size, size), torch.ones(1, 1)
    found = [*features.high_res, network.encode_memory(features.embedding, logits, score, prompted=False)]
    for count in (1, 3, 7):
        memories = [Memory(noise(1, TINY.memory_width, side, side), slot) for slot in range(count)]
        pointers = [Pointer(noise(1, TINY.width), time / 7) for time in range(count)]
        found.append(network.attend(features.embedding, memories, pointers))
    return found


@torch.inference_mode()
def test_the_compiler_sees_whole_parts_and_few_shapes() -> None:
    network, counted = copy.deepcopy(tiny_network()), []
    compile_for_gpu(network, "cuda", backend=lambda graph, inputs: counted.append(graph) or graph)
    for found, expected in zip(run(network), run(tiny_network()), strict=True):
        torch.testing.assert_close(found, expected)
    assert not counters["graph_break"]
    assert len(counted) <= 4  # memory attention once for one memory, once for any number


def test_cpus_keep_their_fast_paths() -> None:
    network = copy.deepcopy(tiny_network())
    compile_for_gpu(network, "cpu")
    assert all(module._compiled_call_impl is None for module in network.modules())
