"""The splats as viser draws them: packed once for everybody, recoloured for each browser.

    node       -> the Gaussians of one object, or of several small ones, or of none: what is sent as a whole
    geometry   -> viser's 32 bytes a Gaussian (`gsseg_viewer.packing`), in units of the node's own

Memory a Gaussian: 36 bytes once on the server (geometry and row), 4 bytes for each browser (the colour it shows), and
32 for what is on its way to it. viser keeps the newest buffer of a node only, so clicking faster than a browser takes
it adds no more than 32 again; and it lets go of what it sent last when it sends something else.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import viser
from jaxtyping import Float64, Int32, Int64, UInt8, UInt32
from numpy import ndarray
from viser import GaussianSplatHandle
from viser._messages import GaussianSplatsMessage, GaussianSplatsProps

from gsseg.scene import Gaussians
from gsseg.segmentation import NO_OBJECT
from gsseg_viewer.document import Document
from gsseg_viewer.packing import packed

ROOT = "/splats"
"""The nodes are /splats/000, /splats/001, ..."""

MAX_NODES = 400
"""A browser takes 0.7 s to set up 500 nodes and 13 s for 2,500."""

_OWN_NODES = 300
"""Objects, the largest first, that have a node of their own; the others share what is left of `MAX_NODES`."""

_REST_NODES, _REST_PART = 40, 20_000
"""Nodes at most of what belongs to no object, and Gaussians from which on it has a further one: a click there should
not send half a scene."""

_VISIBILITY_BYTES = 76
"""What hiding or showing a node sends."""


@dataclass(frozen=True, eq=False)
class SplatNodes:
    """All drawable Gaussians of a document, grouped and packed; the same for every browser and never changed."""

    rows: Int32[ndarray, " drawn"]
    """Row in the scene of each Gaussian drawn, node by node."""
    edges: Int64[ndarray, " edges"]
    """Node k is ``[edges[k], edges[k + 1])``."""
    geometry: UInt32[ndarray, "drawn 8"]
    """What viser sends, with colours of zero."""
    scales: Float64[ndarray, " nodes"]
    """Size of the node unit of each node in world units, a power of two."""

    @classmethod
    def of(cls, document: Document) -> "SplatNodes":
        """The nodes of a document; they are made at the first call and kept as long as the document."""
        with _LOCK:
            if document not in _NODES:
                ids = document.object_ids(document.state)
                _NODES[document] = _grouped(document.gaussians, ids, document.pieces)
            return _NODES[document]

    def __len__(self) -> int:
        return len(self.scales)

    def show(
        self,
        client: viser.ClientHandle,
        colors: UInt8[ndarray, "gaussians 3"],
        alphas: UInt8[ndarray, " gaussians"],
    ) -> "ClientSplats":
        """Adds all nodes below `ROOT` to one browser's scene, in these colours."""
        return ClientSplats(self, client, colors, alphas)

    def _rgba(
        self, colors: UInt8[ndarray, "gaussians 3"], alphas: UInt8[ndarray, " gaussians"]
    ) -> UInt32[ndarray, " drawn"]:
        """The last column of the geometry."""
        packed = np.empty((len(alphas), 4), np.uint8)
        packed[:, :3] = colors
        packed[:, 3] = alphas
        return packed.view("<u4")[:, 0][self.rows]

    def _colored(self, node: int, rgba: UInt32[ndarray, " drawn"]) -> UInt32[ndarray, "members 8"]:
        """A buffer of its own for one node; it is given away and not touched again."""
        part = slice(self.edges[node], self.edges[node + 1])
        buffer = self.geometry[part].copy()
        buffer[:, 7] = rgba[part]
        return buffer


class ClientSplats:
    """What one browser shows, so that only what differs is sent to it."""

    def __init__(
        self,
        nodes: SplatNodes,
        client: viser.ClientHandle,
        colors: UInt8[ndarray, "gaussians 3"],
        alphas: UInt8[ndarray, " gaussians"],
    ) -> None:
        """Sends every node; use `SplatNodes.show`."""
        self._nodes = nodes
        self._client = client
        self._lock = threading.Lock()
        self._shown = nodes._rgba(colors, alphas)
        self._handles: list[GaussianSplatHandle] = []
        opaque = self._opaque(self._shown)
        with self._outgoing():
            for node in range(len(nodes)):
                self._handles.append(self._add(node, bool(opaque[node])))

    def recolor(self, colors: UInt8[ndarray, "gaussians 3"], alphas: UInt8[ndarray, " gaussians"]) -> int:
        """Brings the browser to these colours (0..255) and opacities (0 = not drawn) and returns the bytes it took.

        A node goes as a whole where one of its Gaussians changed, all of them in one batch so that the browser shows
        them at once. Of a node that is not drawn any more only that is sent, and its colours when it is drawn again.
        Nothing is sent, and 0 returned, to a browser that has gone.
        """
        with self._lock:
            buffer = self._client._websock_connection.get_message_buffer()
            if buffer.done or not len(self._nodes):
                return 0
            wanted = self._nodes._rgba(colors, alphas)
            opaque = self._opaque(wanted)
            changed = np.logical_or.reduceat(wanted != self._shown, self._nodes.edges[:-1])
            sent = 0
            with self._outgoing():
                for node, handle in enumerate(self._handles):
                    if opaque[node] and changed[node]:
                        sent += self._send(node, wanted)
                    if handle.visible != opaque[node]:
                        handle.visible = bool(opaque[node])
                        sent += _VISIBILITY_BYTES
            return sent

    def _opaque(self, rgba: UInt32[ndarray, " drawn"]) -> ndarray:
        """Nodes of which anything is drawn."""
        if not len(self._nodes):
            return np.zeros(0, bool)
        return np.maximum.reduceat(rgba >> 24, self._nodes.edges[:-1]) > 0

    def _add(self, node: int, visible: bool) -> GaussianSplatHandle:
        """`viser.SceneApi.add_gaussian_splats` for a buffer that is packed already.

        Afterwards the handle refers to the shared geometry instead of the copy that viser makes for itself.
        """
        scale = float(self._nodes.scales[node])
        props = GaussianSplatsProps(buffer=self._nodes._colored(node, self._shown), scale=scale)
        name = f"{ROOT}/{node:03d}"
        handle = GaussianSplatHandle._make(
            self._client.scene, GaussianSplatsMessage(name, props), name, (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), visible
        )
        handle._impl.props.buffer = self._nodes.geometry[self._nodes.edges[node] : self._nodes.edges[node + 1]]
        return handle

    def _send(self, node: int, wanted: UInt32[ndarray, " drawn"]) -> int:
        """Queues a node's new colours; queued past the handle's setter, which would keep a copy of the buffer."""
        buffer = self._nodes._colored(node, wanted)
        self._handles[node]._queue_update("buffer", buffer)
        part = slice(self._nodes.edges[node], self._nodes.edges[node + 1])
        self._shown[part] = wanted[part]
        return buffer.nbytes

    @contextmanager
    def _outgoing(self) -> Iterator[None]:
        """One batch of messages; no warning where the browser goes away in the middle of it."""
        buffer = self._client._websock_connection.get_message_buffer()
        with buffer.sanctioned_dead_writes(), self._client.atomic():
            yield


_NODES: WeakKeyDictionary[Document, SplatNodes] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _grouped(
    gaussians: Gaussians, object_ids: Int32[ndarray, " gaussians"], pieces: Int32[ndarray, " gaussians"]
) -> SplatNodes:
    """The nodes of Gaussians of known objects; every drawable row is in exactly one."""
    drawn = np.flatnonzero(gaussians.drawable.numpy())
    ids = object_ids[drawn] - NO_OBJECT
    node_of = _node_of_objects(np.bincount(ids, minlength=1))[ids]
    rest = np.flatnonzero(ids == 0)
    parts = min(_REST_NODES, 1 + len(rest) // _REST_PART)
    # Patches are numbered as they were cut, so that those of near numbers lie near one another.
    rest = rest[np.argsort(pieces[drawn[rest]], kind="stable")]
    node_of[ids > 0] += parts - 1
    node_of[rest] = np.arange(len(rest)) * parts // max(1, len(rest))
    order = np.argsort(node_of, kind="stable")
    rows = drawn[order].astype(np.int32)
    edges = np.append(np.flatnonzero(np.diff(node_of[order], prepend=-1)), len(rows))
    geometry, scales = packed(gaussians, rows, edges)
    return SplatNodes(rows, edges, geometry, scales)


def _node_of_objects(sizes: Int64[ndarray, " ids"]) -> Int64[ndarray, " ids"]:
    """Node of each object, the first entry being no object: the largest by themselves, the others pooled.

    A pool takes about the same number of Gaussians as the next one, so that recolouring a small object stays cheap.
    """
    node = np.zeros(len(sizes), np.int64)
    ranked = 1 + np.argsort(-sizes[1:], kind="stable")
    own, pooled = ranked[:_OWN_NODES], ranked[_OWN_NODES:]
    node[own] = 1 + np.arange(len(own))
    if len(pooled):
        pools = MAX_NODES - _REST_NODES - _OWN_NODES
        before = np.cumsum(sizes[pooled]) - sizes[pooled]
        node[pooled] = 1 + _OWN_NODES + pools * before // max(1, sizes[pooled].sum())
        # Objects without a drawable Gaussian may come out one too far; they have no rows to be found there.
    return node
