"""What things are: Gaussians, cameras, views. The bottom of the import order."""

from gsseg.render_config import GSPLAT_RENDER as GSPLAT_RENDER
from gsseg.render_config import RenderConfig as RenderConfig
from gsseg.scene.cameras import Camera as Camera
from gsseg.scene.cameras import Lens as Lens
from gsseg.scene.gaussians import Gaussians as Gaussians
from gsseg.scene.splat_file import SplatFile as SplatFile
from gsseg.scene.views import Scene as Scene
from gsseg.scene.views import View as View
