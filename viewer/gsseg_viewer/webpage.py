"""A web page to keep: one HTML file that shows the splats, and says what the objects are called, without a server."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from viser import _messages as messages
from viser.infra._infra import WebsockMessageHandler

from gsseg_viewer.document import Document
from gsseg_viewer.page import Listed, kept_page
from gsseg_viewer.splats import SplatNodes
from gsseg_viewer.state import State

LISTED = 500
"""Objects whose names a page lists, the largest first."""

_BASE = 850_000
"""Bytes of a web page without splats: viser's client."""
_A_SPLAT = 35.0
"""Bytes of a web page for each Gaussian: 32 of viser's buffer, of which zstd saves a fifth, times 4/3 for base64;
33 to 36 in scenes of 65 to 121 thousand Gaussians."""


@dataclass(frozen=True)
class Eye:
    """Where a web page is first seen from."""

    position: tuple[float, float, float]
    """World units."""
    look_at: tuple[float, float, float]
    """The point that dragging turns about."""
    up: tuple[float, float, float]
    """Direction."""
    fov: float
    """Vertical field of view, radians."""


def page_size(gaussians: int) -> int:
    """About how many bytes `page_bytes` of so many Gaussians has."""
    return int(_BASE + _A_SPLAT * gaussians)


def listed(document: Document, state: State) -> list[Listed]:
    """The objects that are shown, largest first, each with the mean of its Gaussians' centres."""
    shown = document.shown(state)
    owners = document.object_ids(state)[shown]
    counts = np.bincount(owners + 1, minlength=2)
    means = document.gaussians.means.numpy()[shown]
    sums = np.stack([np.bincount(owners + 1, means[:, axis], len(counts)) for axis in range(3)], 1)
    there = [each for each in state.objects if each + 1 < len(counts) and counts[each + 1]]
    middles = sums / np.maximum(1, counts)[:, None]
    return [
        Listed(state.objects[each].name, state.objects[each].color, _three(middles[each + 1]))
        for each in sorted(there, key=lambda each: (-counts[each + 1], each))[:LISTED]
    ]


def page_bytes(
    nodes: SplatNodes,
    colors: UInt8[ndarray, "gaussians 3"],
    alphas: UInt8[ndarray, " gaussians"],
    eye: Eye,
    title: str,
    objects: Sequence[Listed] = (),
    dark: bool = True,
) -> bytes:
    """One HTML file that shows the splats in any browser, without a server and without asking the network.

    What is invisible is not in it. viser serialises only what a server has sent to everybody, so the messages of this
    one view are given to its serializer by hand (private names of viser 1.1.1; a test notices when they change).
    ValueError where viser's client is not the one that `gsseg_viewer.page` knows.
    """
    rgba = np.concatenate([colors, alphas[:, None]], 1)[nodes.rows].view("<u4")[:, 0]
    serializer = WebsockMessageHandler().get_message_serializer(lambda message: True)
    for message in (
        messages.SetCameraUpDirectionMessage(eye.up, initial=True),
        messages.SetCameraPositionMessage(eye.position, initial=True),
        messages.SetCameraLookAtMessage(eye.look_at, initial=True),
        messages.SetCameraFovMessage(eye.fov, initial=True),
    ):
        serializer._insert_message(message)
    for node, scale in enumerate(nodes.scales):
        part = np.arange(nodes.edges[node], nodes.edges[node + 1])
        part = part[rgba[part] >> 24 > 0]
        if len(part):
            splats = nodes.geometry[part]
            splats[:, 7] = rgba[part]
            props = messages.GaussianSplatsProps(splats, float(scale))
            serializer._insert_message(messages.GaussianSplatsMessage(f"/splats/{node:03d}", props))
    return kept_page(serializer.as_html(dark_mode=dark).encode("utf-8"), title, objects, dark)


def _three(values: ndarray) -> tuple[float, float, float]:
    x, y, z = (float(each) for each in values)
    return x, y, z
