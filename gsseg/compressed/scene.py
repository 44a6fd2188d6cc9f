"""What scene.gsseg holds, as a value.

All Gaussians of one fine code share their object, their coarse code and their discrete feature. So a Gaussian needs
one number, its *label*: the row of a short table that holds these three. What the discrete feature leaves of the
learnt one, the *residual*, is coded by residual k-means: one further number a level.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Integer
from numpy import ndarray

from gsseg.compressed.packing import bits_for, packed_size
from gsseg.quantize.binary.codes import BinaryCodes
from gsseg.render_config import GSPLAT_RENDER, RenderConfig
from gsseg.segmentation import NO_CODE, ObjectInfo
from gsseg.segmentation.codes_on_disk import NO_CODE_ON_DISK

LANGUAGE = "language."
LANGUAGE_PARTS = {
    "packed": ("uint8", 2), "lower": ("float32", 1), "upper": ("float32", 1), "additional": ("float32", 1),
    "component_sum": ("uint32", 1), "centroid": ("float32", 1),
}  # fmt: skip
"""Type and number of axes of each array of language codes in the file; their names there begin with `LANGUAGE`."""
LANGUAGE_OBJECTS = LANGUAGE + "objects"
"""Object of each of them, where some object has several."""


@dataclass(frozen=True, eq=False, kw_only=True)
class CompressedScene:
    """Objects, codes and features of every Gaussian, without the splats themselves, which stay in their own file.

    Raises ValueError where values contradict each other: every number in a scene may be used as an index.
    """

    splats: str
    """Name of the splat file that these rows belong to."""
    splats_sha256: str
    """`splats_digest` of that file's positions."""
    labels: Integer[ndarray, " gaussians"]
    """Row of each Gaussian in the three tables below."""
    label_objects: Int32[ndarray, " labels"]
    """Object, -1 = none."""
    label_codes: Int32[ndarray, "labels 2"]
    """Coarse and fine code, `NO_CODE` = none."""
    label_features: Float32[ndarray, "labels dim"]
    """Discrete feature, as in segmented.ply to the last bit."""
    residual_codes: Integer[ndarray, "levels gaussians"]
    """Code of each level."""
    residual_codebooks: Float32[ndarray, "levels codes dim"]
    """What the codes stand for; a Gaussian's learnt feature is its discrete one and one row of each codebook."""
    objects: list[ObjectInfo]
    """The table of objects."""
    language: BinaryCodes | None = None
    """Language vectors (CLIP or the like) of objects."""
    language_objects: Int32[ndarray, " vectors"] | None = None
    """Object of each of them, ascending, every object at least once; None: one an object, in the order of the table."""
    language_model: str = ""
    """`gsseg.language.clip.ClipModel.fingerprint` of the model they are of; empty where it is not known."""

    render: RenderConfig = GSPLAT_RENDER
    """Settings of the rasterizer that the splats were trained with."""

    def __post_init__(self) -> None:
        known, books = len(self.objects), self.residual_codebooks
        _require(len(self) > 0, "it has no Gaussians")
        _require(_within(self.labels, len(self.label_objects)), "a label is outside its table")
        _require(_within(self.label_objects + 1, known + 1), f"a label's object is none of the {known}")
        _require(_within(self.label_codes - NO_CODE, NO_CODE_ON_DISK - NO_CODE), "a code does not fit 16 bits")
        _require(_within(self.residual_codes, books.shape[1]), "a residual code is outside its codebook")
        _require(bool(np.isfinite(self.label_features).all() and np.isfinite(books).all()), "a feature is not finite")
        _require(self._language_fits(), "its language vectors are not those of its objects")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def object_ids(self) -> Int32[ndarray, " gaussians"]:
        """Object of each Gaussian, -1 = none."""
        return self.label_objects[self.labels]

    @property
    def code_coarse(self) -> Int32[ndarray, " gaussians"]:
        """Coarse code of each Gaussian, `NO_CODE` = none."""
        return self.label_codes[self.labels, 0]

    @property
    def code_fine(self) -> Int32[ndarray, " gaussians"]:
        """Fine code of each Gaussian, `NO_CODE` = none."""
        return self.label_codes[self.labels, 1]

    @property
    def discrete(self) -> Float32[ndarray, "gaussians dim"]:
        """Discrete feature of each Gaussian: exactly that of segmented.ply."""
        return self.label_features[self.labels]

    @property
    def learnt(self) -> Float32[ndarray, "gaussians dim"]:
        """Learnt feature of each Gaussian, to the accuracy of the residual codes."""
        features = self.discrete
        for codes, codebook in zip(self.residual_codes, self.residual_codebooks, strict=True):
            features += codebook[codes]
        return features

    @property
    def language_owners(self) -> Int32[ndarray, " vectors"]:
        """Object of each language vector, ascending; empty where there is none."""
        if self.language_objects is not None:
            return self.language_objects
        return np.arange(0 if self.language is None else len(self.objects), dtype=np.int32)

    def _language_fits(self) -> bool:
        owners = self.language_owners
        if self.language is None or self.language.size != len(owners):
            return self.language is None and self.language_objects is None
        steps = np.diff(owners, prepend=-1, append=len(self.objects))  # of 0 or 1, from before the first to the last
        return bool(((steps[1:-1] == 0) | (steps[1:-1] == 1)).all() and steps[[0, -1]].tolist() == [1, 1])

    @property
    def label_bits(self) -> int:
        """Bits of a Gaussian's label."""
        return bits_for(len(self.label_objects))

    @property
    def residual_bits(self) -> int:
        """Bits of one level's code."""
        return bits_for(self.residual_codebooks.shape[1])

    def sizes(self) -> dict[str, int]:
        """Bytes of each part in the file."""
        levels = len(self.residual_codes)
        tables = (self.label_objects, self.label_codes, self.label_features)
        parts = {
            "objects and codes": packed_size(len(self), self.label_bits),
            "feature residuals": levels * packed_size(len(self), self.residual_bits),
            "table of labels": sum(table.nbytes for table in tables),
            "residual codebooks": self.residual_codebooks.nbytes,
        }
        language = sum(value.nbytes for value in self.language_tensors().values())
        return {**parts, "language vectors": language} if language else parts

    def language_tensors(self) -> dict[str, ndarray]:
        """The arrays of `language` as the file holds them, by name; nothing where there is none."""
        if self.language is None:
            return {}
        parts = {
            LANGUAGE + name: getattr(self.language, name).astype(kind) for name, (kind, _) in LANGUAGE_PARTS.items()
        }
        return parts if self.language_objects is None else {**parts, LANGUAGE_OBJECTS: self.language_objects}


def _within(numbers: Integer[ndarray, "..."], limit: int) -> bool:
    return not numbers.size or bool(numbers.min() >= 0 and numbers.max() < limit)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
