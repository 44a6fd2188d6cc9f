"""What scene.gsseg holds, as label and value."""

from pathlib import Path

from gsseg.compressed.file import VERSION, read_scene
from gsseg.compressed.scene import CompressedScene
from gsseg.segmentation import NO_CODE

Rows = list[tuple[str, str]]
"""(label, value), in the order to be printed."""


def summarize_compressed(path: Path | str) -> Rows:
    """Label and value of everything worth knowing about the file; `InputError` as `read_scene`."""
    path = Path(path)
    scene = read_scene(path)
    levels, codes, dim = scene.residual_codebooks.shape
    counted = "1 level" if levels == 1 else f"{levels} levels"
    residuals = f"{counted} of {codes} codes" if levels else "none: discrete features only"
    rows = [
        ("file", str(path)),
        ("version", VERSION),
        ("splats", f"{scene.splats} (not part of this file)"),
        ("gaussians", str(len(scene))),
        ("objects", str(sum(row.gaussians > 0 for row in scene.objects))),
        ("codes", str(len(set(scene.label_codes[:, 1].tolist()) - {NO_CODE}))),
        ("features", f"{dim} channels, residuals: {residuals}"),
    ]
    if scene.language is not None:
        of = f"of {len(scene.objects)} objects, " if scene.language_objects is not None else ""
        rows.append(("language", f"{scene.language.size} vectors {of}of {scene.language.dimension} components"))
    return rows + part_rows(scene, path.stat().st_size)


def part_rows(scene: CompressedScene, file_size: int) -> Rows:
    """Bytes a Gaussian of each part of a file of this size, and of the float columns that it stands for."""
    count = len(scene)
    parts = scene.sizes()
    parts["object table and header"] = file_size - sum(parts.values())
    rows = [(name, f"{size / count:8.3f} bytes a Gaussian ({size / 1e3:.1f} kB)") for name, size in parts.items()]
    floats = 4 * (scene.label_features.shape[1] * 2 + 2)
    whole = f"{file_size / count:8.3f} bytes a Gaussian ({file_size / 1e6:.2f} MB); as float columns {floats}"
    return [*rows, ("together", whole)]
