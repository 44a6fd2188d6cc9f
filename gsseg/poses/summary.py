"""What became of every photo, and how good the cameras are, in numbers."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pycolmap

from gsseg.poses.colmap import feature_counts, image_ids, verified_matches

FEW_FEATURES = 50
"""Features below which a photo is called blurred or plain; sound ones have thousands."""
FEW_POINTS = 50
"""Points that a well placed photo sees at least."""
LARGE_ERROR = 1.0
"""Pixels of mean reprojection error above which a model is called poor; usual are 0.4 to 0.9."""
SMALL_ANGLE = 2.0
"""Degrees between the rays to a point, median over points, below which depths are hardly known."""
MOST_LEFT_OUT = 0.1
"""Share of photos without a camera that is taken for normal."""
_POINTS_LOOKED_AT = 2000


@dataclass(frozen=True)
class PosesSummary:
    """The outcome of structure from motion."""

    photos: int
    """Photos that were given."""
    registered: int
    """Photos that have a camera."""
    left_out: dict[str, str]
    """Why each of the others has none."""
    points: int
    """Points of the sparse cloud."""
    track_length: float
    """Photos that see a point, mean."""
    reprojection_error: float
    """Pixels of the photos, mean over observations."""
    angle: float
    """Degrees, median over points of the widest angle between two rays that see it."""
    focal_length: float
    """Pixels, of the photos' first camera."""
    warnings: list[str]
    """What is likely to spoil splats trained from these cameras."""

    def values(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def summarize(names: list[str], models: list[pycolmap.Reconstruction], database: Path) -> PosesSummary:
    """Of the first of ``models``, the largest first."""
    model = models[0]
    seen = {image.name: image.num_points3D for image in model.images.values() if image.has_pose}
    left_out = _reasons([name for name in names if name not in seen], set(seen), models, database)
    angle, error = _median_angle(model), float(model.compute_mean_reprojection_error())
    warnings = []
    if len(left_out) > MOST_LEFT_OUT * len(names):
        warnings.append(f"{len(left_out)} of {len(names)} photos have no camera: what only they show is lost")
    if error > LARGE_ERROR:
        warnings.append(f"points miss their pixels by {error:.2f} on average: the lens may be another, see --lens")
    if angle < SMALL_ANGLE:
        warnings.append(f"rays meet at {angle:.1f} degrees: the photos were taken from nearly one place")
    weak = sorted(name for name, points in seen.items() if points < FEW_POINTS)
    if weak:
        warnings.append(f"{len(weak)} cameras rest on fewer than {FEW_POINTS} points, e.g. that of {weak[0]}")
    return PosesSummary(
        photos=len(names), registered=len(seen), left_out=left_out, points=model.num_points3D(),
        track_length=float(model.compute_mean_track_length()), reprojection_error=error, angle=angle,
        focal_length=float(next(iter(model.cameras.values())).mean_focal_length()), warnings=warnings,
    )  # fmt: skip


def _reasons(
    missing: list[str], placed: set[str], models: list[pycolmap.Reconstruction], database: Path
) -> dict[str, str]:
    features, ids = feature_counts(database), image_ids(database)
    name_of = {number: name for name, number in ids.items()}
    best: dict[str, tuple[int, str]] = {}
    for (one, other), count in verified_matches(database).items():
        for name, partner in ((name_of[one], name_of[other]), (name_of[other], name_of[one])):
            best[name] = max(best.get(name, (0, "")), (count, partner))
    elsewhere = {
        image.name: model.num_reg_images() for model in models[1:] for image in model.images.values() if image.has_pose
    }
    reasons = {}
    for name in missing:
        count, partner = best.get(name, (0, ""))
        if name not in features:
            reasons[name] = "COLMAP cannot read it"
        elif features[name] < FEW_FEATURES:
            reasons[name] = f"blurred or plain: {features[name]} features"
        elif not count:
            reasons[name] = "shows nothing that another photo shows"
        elif name in elsewhere:
            reasons[name] = f"belongs to {elsewhere[name]} photos that do not connect with the others"
        elif partner in placed:
            reasons[name] = f"overlaps too little: {count} matches with {partner}, its best"
        else:
            reasons[name] = f"overlaps only with {partner}, which has no camera either"
    return reasons


def _median_angle(model: pycolmap.Reconstruction) -> float:
    centers = {number: image.projection_center() for number, image in model.images.items() if image.has_pose}
    points = list(model.points3D.values())
    angles = []
    for point in points[:: max(1, len(points) // _POINTS_LOOKED_AT)]:
        rays = np.array([centers[each.image_id] for each in point.track.elements]) - point.xyz
        rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-300)
        angles.append(np.degrees(np.arccos(np.clip((rays @ rays.T).min(), -1, 1))))
    return float(np.median(angles)) if angles else 0.0
