"""Pictures that the server draws are the same wherever it draws them; on the emulated device."""

import io
from typing import Any

import numpy as np
from gsseg_viewer.colors import colors
from gsseg_viewer.document import Document
from gsseg_viewer.panels.views import drawn_from
from gsseg_viewer.picture import picture_bytes
from gsseg_viewer.pointing import Sight
from gsseg_viewer.seen import seen_from
from gsseg_viewer.selection import PieceSelection
from PIL import Image

from gsseg.run import Run
from tests.emulated_device import DEVICE, EmulatedDevice
from tests.gsplat_stand_in import gsplat_stood_in

SIGHT = Sight(np.array([0.0, -5.0, 0.0]), np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), 0.9, 4 / 3)


def drawn(document: Document, views: list[Any], hidden: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three things that the server draws: a download, a training view, what is not hidden."""
    state = document.state
    shown = document.shown(state)
    if hidden:
        shown = shown & (np.arange(len(shown)) % 2 == 0)
    paint = colors(document, state, "object", PieceSelection())
    picture = np.asarray(Image.open(io.BytesIO(picture_bytes(document, state, paint, SIGHT, (160, 120), (9, 9, 9)))))
    return picture, drawn_from(document.painted, shown, views[0]), seen_from(SIGHT, document, state)


def test_a_device_draws_what_the_processor_draws(balls: Any) -> None:
    for hidden in (False, True):
        expected = drawn(Document(Run.open(balls.path)), balls.views(), hidden)
        with gsplat_stood_in() as called, EmulatedDevice() as device:
            document = Document(Run.open(balls.path), device=DEVICE)
            found = drawn(document, balls.views(), hidden)
        assert {"rasterization", "rasterize_to_indices_in_range"} <= set(called)
        assert sum(device.to_host) < 4_000_000, "only what was drawn comes back"
        for picture, other in zip(found[:2], expected[:2], strict=True):
            apart = np.abs(picture.astype(int) - other)
            assert apart.max() <= 2
            assert picture.std() > 1
        assert (found[2] != expected[2]).mean() < 1e-3
        assert 0.05 < found[2].mean() < 0.95
