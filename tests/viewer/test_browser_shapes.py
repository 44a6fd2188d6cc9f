"""Every shape and size of Gaussian is drawn in a real browser."""

import io
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import torch
from gsseg_viewer import splats
from gsseg_viewer.security import safe_server
from gsseg_viewer.splats import SplatNodes
from PIL import Image

from gsseg.scene import Gaussians


def with_shader(page: bytes) -> bytes:
    """viser's page with its shader mended, and nothing else of ours."""
    script = files("gsseg_viewer").joinpath("web", "shader.js").read_bytes()
    return page.replace(b"<head>", b"<head><script>" + script + b"</script>")


def nodes_of(gaussians: Gaussians, ids: np.ndarray | None = None) -> SplatNodes:
    ids = np.zeros(len(gaussians), np.int32) if ids is None else ids.astype(np.int32)
    return splats._grouped(gaussians, ids, np.zeros(len(ids), np.int32))


def three_balls(unit: float) -> tuple[Gaussians, np.ndarray]:
    """Beside each other: one of round Gaussians, one of flat ones, one of needles; and their ids."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(3), 500).astype(np.int32)
    surface = rng.normal(size=(1500, 3))
    surface *= 0.4 / np.linalg.norm(surface, axis=1, keepdims=True)
    logs = np.full((1500, 3), np.log(0.05))
    logs[ids == 1, 2] = logs[ids == 2, 2] = logs[ids == 2, 1] = np.log(1e-7)
    quats = np.where(ids[:, None] == 0, [1.0, 0, 0, 0], rng.normal(size=(1500, 4)))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    means = surface + np.array([[-1.6, 0, 0], [-0.6, 0, 0], [0.4, 0, 0]])[ids]
    places, log_scales, turned = (torch.from_numpy(each).float() for each in (means * unit, logs + np.log(unit), quats))
    bare = (torch.full((1500,), 4.0), torch.zeros(1500, 1, 3), torch.ones(1500, dtype=torch.bool))
    return Gaussians(places, log_scales, turned, *bare), ids


@pytest.mark.parametrize(
    ("unit", "away", "pixels"), [(1e-3, 1.0, 400), (1000.0, 1.0, 400), (1.0, 15.0, 4)], ids=["tiny", "huge", "far"]
)
def test_a_browser_shows_every_shape(unit: float, away: float, pixels: int, browser: Any, poll: Callable[..., Any]):
    """Scenes of a thousandth and of a thousand units; and from so far that a Gaussian is a quarter of a pixel wide."""
    scene, ids = three_balls(unit)
    nodes, colors = nodes_of(scene, ids), np.array([[230, 20, 20], [20, 200, 20], [20, 20, 240]], np.uint8)[ids]
    server = safe_server(port=0, mend=with_shader)
    server.initial_camera.position = (0.0, -5.0 * unit * away, 0.5 * unit * away)
    server.initial_camera.look_at = (0.0, 0.0, 0.0)
    server.initial_camera.near, server.initial_camera.far = 0.01 * unit, 100.0 * unit * away

    @server.on_client_connect
    def _(client: Any) -> None:
        nodes.show(client, colors, np.full(1500, 250, np.uint8))

    page = browser.chromium.new_page(viewport={"width": 900, "height": 420})
    try:
        page.goto(f"http://localhost:{server.get_port()}/?fixedDpr=1")

        def all_there() -> bool:
            page.wait_for_timeout(50)
            picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))[100:320, 310:580].astype(int)
            others = (picture.sum(2, keepdims=True) - picture) / 2
            return bool(((picture - others > 100).sum((0, 1)) > pixels).all())

        poll("three balls", all_there)
    finally:
        page.close()
        server.stop()
