"""Every renderer of the table, so that a new one is held to the contract by being in it."""

from collections.abc import Iterator

import pytest
import torch

from gsseg.render import cuda
from gsseg.render.renderers import RENDERERS
from tests.gsplat_stand_in import gsplat_stood_in


@pytest.fixture(scope="module", params=list(RENDERERS))
def renderer(request: pytest.FixtureRequest) -> Iterator[str]:
    """A renderer's name. Without a GPU ``cuda`` runs on the processor, on the stand-in for gsplat's kernels."""
    if request.param != "cuda" or torch.cuda.is_available():
        yield request.param
        return
    with gsplat_stood_in() as called, pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda, "gpu", lambda: torch.device("cpu"))
        yield "cuda"
        assert called
