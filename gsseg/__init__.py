"""gsseg: a 3D Gaussian splat scene and 2-D instance masks become objects to click, name and export.

    scene = gsseg.load_scene("SCENE")
    run = gsseg.train(scene, gsseg.TrainConfig(), out="RUN")
    hit = run.select(ray_origin, ray_direction)

At the centre: geometry is frozen, so every rendered map is ``W @ F`` with a constant sparse W for each view
(`BlendWeights`), and training consists of sparse products.

Names are imported when they are first used, so that ``gsseg --help`` does not wait for torch.
"""

from typing import TYPE_CHECKING

from gsseg.errors import InputError as InputError
from gsseg.lazy_names import lazy_names
from gsseg.version import __version__ as __version__

if TYPE_CHECKING:
    from gsseg import compressed as compressed
    from gsseg import evaluate as evaluate
    from gsseg import export as export
    from gsseg import io as io
    from gsseg import language as language
    from gsseg import objects as objects
    from gsseg import quantize as quantize
    from gsseg import render as render
    from gsseg import sample as sample
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

__getattr__, __dir__ = lazy_names(__name__)
