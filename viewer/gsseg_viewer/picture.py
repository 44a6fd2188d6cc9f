"""A picture of what one person sees, drawn by gsseg's own renderer and not by the browser.

A browser without a graphics card would need a second for it, during which nothing else happens; its picture is
transparent where splats are thin; and it shows what is selected otherwise than it is. Here the server draws it: on
the page's background, in the colours of the scene.
"""

import io
import math

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from gsseg.render import render_map
from gsseg.scene import Camera
from gsseg_viewer.document import Document
from gsseg_viewer.exporting import over
from gsseg_viewer.page import Color
from gsseg_viewer.pointing import Sight
from gsseg_viewer.state import State

SIDE = 4096
"""Longer side of the largest picture, pixels."""


def picture_bytes(
    document: Document,
    state: State,
    colors: UInt8[ndarray, "gaussians 3"],
    sight: Sight,
    size: tuple[int, int],
    background: Color,
) -> bytes:
    """A PNG of all that a state shows, in these colours.

    ``size``: width and height of the screen, pixels; a larger one than `SIDE` is scaled down to it.
    """
    rows = np.flatnonzero(document.shown(state))
    painted, device = document.painted, document.painted.means.device
    seen = painted if len(rows) == len(colors) else painted.subset(torch.from_numpy(rows).to(device))
    shares = np.ones((len(rows), 4), np.float32)  # red, green, blue and silhouette
    shares[:, :3] = colors[rows] / np.float32(255)
    drawn = render_map(torch.from_numpy(shares).to(device), seen, _camera(sight, size)).cpu().numpy()
    stream = io.BytesIO()
    Image.fromarray(over(drawn, background)).save(stream, "PNG")
    return stream.getvalue()


def _camera(sight: Sight, size: tuple[int, int]) -> Camera:
    """The pinhole camera of a screen: its centre is the middle of the picture."""
    shrink = min(1.0, SIDE / max(size))
    width, height = (max(1, round(shrink * side)) for side in size)
    focal = height / 2 / math.tan(sight.fov / 2)
    pose = np.eye(4)
    pose[:3, :3] = sight.world_from_camera.T
    pose[:3, 3] = -pose[:3, :3] @ sight.position
    return Camera(width, height, focal, focal, width / 2, height / 2, pose)
