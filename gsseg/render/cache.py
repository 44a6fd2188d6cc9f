"""The blending weights of a scene's views, kept from pass to pass and from run to run."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt16
from numpy import ndarray
from torch import Tensor

from gsseg.render.renderers import Renderer, blend_weights, chosen, weight_strips
from gsseg.render.sampling import stratified_pixels
from gsseg.render.weights import BlendWeights
from gsseg.render.weights_file import file_name, gaussians_key, in_steps, read_weights, weights_key, write_weights
from gsseg.scene import Gaussians, View
from gsseg.threads import run_all


class SampledWeights:
    """The blending weights of some pixels of every view that has masks, in memory as far as the budget goes.

    They lie where the Gaussians lie, all fields of them. What is beyond the budget (bytes, least recently used first)
    is read from ``folder`` again, or computed again where ``folder`` is None. Views without masks are left out; indices
    count the others, in their order.
    """

    def __init__(
        self,
        gaussians: Gaussians,
        views: Sequence[View],
        folder: Path | None,
        pixels_per_view: int,
        seed: int,
        memory_budget: int,
        renderer: Renderer = "auto",
    ) -> None:
        self.views = [view for view in views if view.labels is not None]
        self.folder = folder
        self._gaussians = gaussians
        self.device = gaussians.means.device
        """Where the weights lie."""
        self._renderer: Renderer = chosen(gaussians, renderer)
        self._budget = memory_budget
        draws = [
            lambda view=view: stratified_pixels(_labels(view), pixels_per_view, view.name, seed) for view in self.views
        ]
        self._pixels = run_all(draws)
        content = gaussians_key(gaussians)
        self._keys = [
            weights_key(content, view, pixels, self._renderer)
            for view, pixels in zip(self.views, self._pixels, strict=True)
        ]
        self._held: OrderedDict[int, BlendWeights] = OrderedDict()
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self.views)

    def labels(self, i: int) -> Int64[Tensor, " pixels"]:
        """The mask label of each sampled pixel of view ``i``, 0 = none."""
        return torch.from_numpy(_labels(self.views[i]).reshape(-1).astype(np.int64))[self._pixels[i]].to(self.device)

    def weights(self, i: int) -> BlendWeights:
        """The weights of the sampled pixels of view ``i``: from memory, else from its file, else computed and kept.

        Raises OSError (with the file's name) where the file cannot be written.
        """
        found = self._held.get(i)
        if found is not None:
            self._held.move_to_end(i)
            return found
        found = self._read(i)
        if found is None:
            view, pixels = self.views[i], self._pixels[i]
            found = self._keep(i, blend_weights(self._gaussians, view, pixels, self._renderer))
        self._hold(i, found)
        return found

    def full_views(
        self, progress: Callable[[int], None] = lambda done: None
    ) -> Iterator[tuple[View, BlendWeights | Iterable[BlendWeights]]]:
        """Every view with the weights of *all* its pixels, computed once; its sample is kept on the way.

        On a GPU they come in strips (`weight_strips`), which must be taken to their end before the next view is asked
        for. ``progress`` is told the number of views done.
        """
        for i, view in enumerate(self.views):
            if self._gaussians.means.is_cpu:
                full = blend_weights(self._gaussians, view, renderer=self._renderer)
                self._see(i, lambda i=i, full=full: full.sampled(self._pixels[i]))
                yield view, full
            else:
                parts: list[BlendWeights] = []
                yield view, self._sampling(i, view, parts)
                self._see(i, lambda parts=parts: BlendWeights.stacked(parts, len(self._gaussians), self.device))
            progress(i + 1)

    def _sampling(self, i: int, view: View, parts: list[BlendWeights]) -> Iterator[BlendWeights]:
        """The strips of a view; the rows of its sample are put into ``parts`` on the way."""
        for strip in weight_strips(self._gaussians, view):
            assert strip.pixels is not None
            first = 0 if not parts else sum(part.rows for part in parts)
            stop = int(np.searchsorted(self._pixels[i].numpy(), int(strip.pixels[-1].cpu()), side="right"))
            rows = self._pixels[i][first:stop].to(self.device) - strip.pixels[0]
            parts.append(strip.sampled(rows))
            yield strip

    def _see(self, i: int, sample: Callable[[], BlendWeights]) -> None:
        if i not in self._held:
            found = self._read(i)
            self._hold(i, self._keep(i, sample()) if found is None else found)

    def _keep(self, i: int, weights: BlendWeights) -> BlendWeights:
        """Rounds the weights as a file would and writes the file."""
        rounded = in_steps(weights, self._pixels[i])
        if self.folder is not None:
            write_weights(self._file(i), rounded, self._keys[i])
        return rounded.packed()

    def _read(self, i: int) -> BlendWeights | None:
        if self.folder is None:
            return None
        found = read_weights(self._file(i), self._keys[i], self._pixels[i])
        return None if found is None else found.to(self.device).packed()

    def _file(self, i: int) -> Path:
        assert self.folder is not None
        return self.folder / file_name(self.views[i])

    def _hold(self, i: int, weights: BlendWeights) -> None:
        if weights.nbytes > self._budget:
            return
        self._held[i] = weights
        self._held_bytes += weights.nbytes
        while self._held_bytes > self._budget:
            _, oldest = self._held.popitem(last=False)
            self._held_bytes -= oldest.nbytes


def _labels(view: View) -> UInt16[ndarray, "height width"]:
    assert view.labels is not None, "views without masks were left out"
    return view.labels
