"""Every renderer of the table, so that a new one is held to the contract by being in it."""

import pytest
import torch

from gsseg.render.renderers import RENDERERS


@pytest.fixture(scope="module", params=[name for name in RENDERERS if name != "cuda" or torch.cuda.is_available()])
def renderer(request: pytest.FixtureRequest) -> str:
    """A renderer's name."""
    return request.param
