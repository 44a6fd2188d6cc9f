"""gsseg: a 3D Gaussian splat scene and 2-D instance masks become objects to click, name and export.

    scene = gsseg.load_scene("SCENE")
    run = gsseg.train(scene, gsseg.TrainConfig(), out="RUN")
    hit = run.select(ray_origin, ray_direction)

At the centre: geometry is frozen, so every rendered map is ``W @ F`` with a constant sparse W for each view
(`BlendWeights`), and training consists of sparse products.

Names are imported when they are first used, so that ``gsseg --help`` does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gsseg.errors import InputError as InputError
from gsseg.version import __version__ as __version__

if TYPE_CHECKING:
    from gsseg.config import TrainConfig as TrainConfig
    from gsseg.config import preset as preset
    from gsseg.io.scene_folder import load_scene as load_scene
    from gsseg.objects.select import Selection as Selection
    from gsseg.pipeline import train as train
    from gsseg.render import BlendWeights as BlendWeights
    from gsseg.render import blend_weights as blend_weights
    from gsseg.run import Run as Run
    from gsseg.scene import Camera as Camera
    from gsseg.scene import Gaussians as Gaussians
    from gsseg.scene import RenderConfig as RenderConfig
    from gsseg.scene import Scene as Scene
    from gsseg.scene import View as View
    from gsseg.segmentation import ObjectInfo as ObjectInfo

_HOMES = {
    "TrainConfig": "config",
    "preset": "config",
    "load_scene": "io.scene_folder",
    "Selection": "objects.select",
    "ObjectInfo": "segmentation",
    "train": "pipeline",
    "BlendWeights": "render",
    "RenderConfig": "scene",
    "blend_weights": "render",
    "Run": "run",
    "Camera": "scene",
    "Gaussians": "scene",
    "Scene": "scene",
    "View": "scene",
}
"""Where each public name lives, below gsseg; the same as above, which is for type checkers."""

_PARTS = ("compressed", "evaluate", "export", "io", "language", "objects", "quantize", "render", "sample")
"""Parts of gsseg that ``gsseg.PART`` reaches without an import of its own."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"gsseg.{_HOMES[name]}"), name)
    elif name in _PARTS:
        value = import_module(f"gsseg.{name}")
    else:
        raise AttributeError(f"module 'gsseg' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_PARTS})
