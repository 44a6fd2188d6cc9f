"""The formats of splat files that are read, one row each, and what is said of those that are not.

Every reader gives the columns of the common layout (Inria's trainer, gsplat, nerfstudio, OpenGaussian): ``x y z`` in
world units, ``f_dc_*`` and ``f_rest_*`` spherical harmonics, ``opacity`` a logit, ``scale_*`` natural logarithms,
``rot_*`` a quaternion wxyz of any length. Rows keep the file's order.
"""

from pathlib import Path

from gsseg.errors import InputError
from gsseg.files import check_readable, reading
from gsseg.io.compressed_ply import CompressedPly
from gsseg.io.gsplat_checkpoint import GsplatCheckpoint
from gsseg.io.ply import Ply
from gsseg.io.sog import Sog
from gsseg.io.splat import DotSplat
from gsseg.io.splat_file import gaussians_from_columns
from gsseg.io.splat_format import HEAD_BYTES, SplatFormat
from gsseg.io.spz import Spz
from gsseg.scene import SplatFile

SPLAT_FORMATS: tuple[SplatFormat, ...] = (Ply(), CompressedPly(), Spz(), Sog(), DotSplat(), GsplatCheckpoint())
"""All that `read_splats` reads, in the order in which a scene folder is searched for ``splats`` of each ending."""

_CONVERT = "convert it: npx @playcanvas/splat-transform {name} splats.ply"
_TRAIN = "splats are trained from photos; give what the trainer wrote"
_UNREAD = (
    ((".ksplat",), "is a .ksplat file of GaussianSplats3D, which is not read", _CONVERT),
    ((".lcc", ".lcc2"), "is an LCC scene of XGRIDS, which is not read", _CONVERT),
    ((".glb", ".gltf"), "is glTF, which is not read", "export the splats as PLY from the program that made it"),
    ((".usd", ".usda", ".usdc", ".usdz"), "is USD, which is not read", "export the splats as PLY from its program"),
    ((".html", ".htm"), "is a page that shows splats, not the splats", "export them as PLY from its editor"),
    ((".obj", ".fbx", ".stl", ".off", ".dae"), "is a mesh and holds no Gaussian splats", _TRAIN),
    ((".las", ".laz", ".e57", ".pcd", ".pts", ".xyz"), "is a point cloud and holds no Gaussian splats", _TRAIN),
    ((".npz", ".npy"), "is a numpy file, which is not read", "write its arrays as a PLY with Inria's columns"),
    ((".ckpt",), "is a checkpoint that is not read", "nerfstudio's is converted by: ns-export gaussian-splat"),
    ((".safetensors",), "is a safetensors file, which is not read", "write its tensors as a PLY with Inria's columns"),
)
"""(endings, what such a file is, what to do)"""


def read_splats(path: Path | str) -> SplatFile:
    """Reads a file of Gaussian splats in any of `SPLAT_FORMATS`, told by its first bytes, else by how its name ends.

    Rows and columns stay as they are on disk in `SplatFile.columns`; what could not be used as it is was repaired
    in `SplatFile.gaussians` and is counted in `SplatFile.notes`. Raises `InputError` where the file is missing,
    empty, truncated, or holds no splats.
    """
    path = Path(path)
    check_readable(path)
    with reading(path):
        found = _format(path).read(path)
    gaussians, repairs = gaussians_from_columns(path, found.columns)
    return SplatFile(path, gaussians, found.columns, found.notes + repairs, found.comments)


def _format(path: Path) -> SplatFormat:
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    for format in SPLAT_FORMATS:
        if format.begins(head):
            return format
    name = path.name.lower()
    for format in SPLAT_FORMATS:
        if name.endswith(format.endings):
            return format
    for endings, problem, remedy in _UNREAD:
        if name.endswith(endings):
            raise InputError(path, problem, remedy.format(name=path.name))
    known = ", ".join(format.name for format in SPLAT_FORMATS)
    raise InputError(path, f"is of no format of splats that is known ({known})", "give the PLY that a trainer wrote")
