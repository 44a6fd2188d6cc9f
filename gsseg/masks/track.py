"""Objects of one photo found again in the next ones: SAM 2's and EdgeTAM's memory, through `transformers`.

A model that was made for videos remembers of every object a few earlier views and looks for it in the next (Ravi et
al., ICLR 2025, section 4; Zhou et al., CVPR 2025). Here it is told of all objects at once, as a label map of the first
photo, and gives a label map of each that follows.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt16
from numpy import ndarray
from PIL import Image
from torch import Tensor

from gsseg.errors import InputError
from gsseg.masks.segmenter import Precision, family_of, open_network, pixels_of, side_of

TRACKERS = {
    "sam2_video": ("Sam2VideoModel", "Sam2VideoInferenceSession"),
    "edgetam_video": ("EdgeTamVideoModel", "EdgeTamVideoInferenceSession"),
}
"""model_type of config.json -> transformers' classes of the model and of what it remembers."""


@dataclass(frozen=True, eq=False)
class Tracker:
    """A model, ready to follow objects; see `open`."""

    network: Any
    """transformers' model, not training."""
    family: str
    """A key of `TRACKERS`."""

    @classmethod
    def open(cls, folder: Path | str, device: str = "cpu", precision: Precision = "auto") -> "Tracker":
        """Reads a model; `InputError` as `Segmenter.open`, and where it is one for single pictures."""
        folder = Path(folder)
        family = family_of(folder)
        if family not in TRACKERS:
            problem = f"is of a model of type {family!r}, which follows no objects from photo to photo"
            remedy = f"take one of type {' or '.join(TRACKERS)}, or leave --config.follow out"
            raise InputError(folder / "config.json", problem, remedy)
        return cls(open_network(folder, TRACKERS[family][0], device, precision), family)

    def start(self, picture: Image.Image, labels: UInt16[ndarray, "height width"]) -> "Track":
        """Shows it a photo and where its objects are; 0 = none."""
        return Track(self, picture, labels)


class Track:
    """What a tracker remembers of some objects; grows by no more than a few views of each."""

    def __init__(self, tracker: Tracker, picture: Image.Image, labels: UInt16[ndarray, "height width"]) -> None:
        """Use `Tracker.start`."""
        import transformers

        self._network, self._side = tracker.network, side_of(tracker.network)
        device = self._network.device
        self._session = getattr(transformers, TRACKERS[tracker.family][1])(
            inference_device=device, inference_state_device=device, dtype=self._network.dtype
        )
        self._frames = 0
        ids = np.unique(labels)
        self.ids: list[int] = ids[ids > 0].tolist()
        """Objects that are followed."""
        for each in self.ids:
            mask = Image.fromarray(np.where(labels == each, np.uint8(255), np.uint8(0)))
            shown = np.asarray(mask.resize((self._side, self._side), Image.Resampling.BILINEAR)) >= 128
            prompt = torch.from_numpy(shown)[None, None].float()
            self._session.add_mask_inputs(self._session.obj_id_to_idx(each), 0, prompt)
        self._session.obj_with_new_inputs = list(self.ids)
        if self.ids:
            self._see(picture)

    def follow(self, picture: Image.Image, height: int, width: int) -> UInt16[ndarray, "height width"]:
        """The objects in the next photo, as a label map of this size: each pixel is of who claims it most, 0 = none."""
        best = torch.zeros(height, width)
        labels = torch.zeros(height, width, dtype=torch.int32)
        if self.ids:
            for each, logits in zip(self.ids, self._see(picture), strict=True):
                claim = torch.nn.functional.interpolate(logits[None], (height, width), mode="bilinear")[0, 0]
                labels[claim > best] = each
                best = torch.maximum(best, claim)
        return labels.numpy().astype(np.uint16)

    @torch.inference_mode()
    def _see(self, picture: Image.Image) -> Float32[Tensor, "objects 1 rows columns"]:
        """Logits of all objects in the next photo, below 0 outside."""
        frame, session = self._frames, self._session
        said = self._network(session, frame_idx=frame, frame=pixels_of(picture, self._side, (self._side, self._side)))
        self._frames += 1
        self._forget(frame)
        return said.pred_masks.float().cpu()

    def _forget(self, frame: int) -> None:
        """Lets go of what the model never looks at again; it keeps everything: 5 MB an object and photo."""
        config = self._network.config
        self._session.processed_frames.pop(frame, None)
        for known in self._session.output_dict_per_obj.values():
            for outputs in known.values():
                outputs.get(frame, {}).pop("high_res_masks", None)
            others = known["non_cond_frame_outputs"]
            for name in ("maskmem_features", "maskmem_pos_enc", "pred_masks"):
                others.get(frame - config.num_maskmem, {}).pop(name, None)
            others.pop(frame - config.max_object_pointers_in_encoder, None)
