"""gsseg: a 3D Gaussian splat scene and 2-D instance masks become objects to click, name and export.

    scene = gsseg.load_scene("SCENE")
    run = gsseg.train(scene, gsseg.TrainConfig(), out="RUN")
    hit = run.select(ray_origin, ray_direction)

At the centre: geometry is frozen, so every rendered map is ``W @ F`` with a constant sparse W for each view
(`BlendWeights`), and training consists of sparse products.
"""

from gsseg.config import TrainConfig as TrainConfig
from gsseg.config import preset as preset
from gsseg.errors import InputError as InputError
from gsseg.io.scene_folder import load_scene as load_scene
from gsseg.objects.select import Selection as Selection
from gsseg.objects.table import ObjectInfo as ObjectInfo
from gsseg.pipeline import train as train
from gsseg.render import BlendWeights as BlendWeights
from gsseg.render import RenderConfig as RenderConfig
from gsseg.render.door import blend_weights as blend_weights
from gsseg.run import Run as Run
from gsseg.scene import Camera as Camera
from gsseg.scene import Gaussians as Gaussians
from gsseg.scene import Scene as Scene
from gsseg.scene import View as View
from gsseg.version import __version__ as __version__
