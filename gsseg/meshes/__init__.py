"""Triangle meshes of splats, and the other things for which Open3D is called.

depths -> one surface (TSDF) -> object of every vertex -> a surface an object
"""

from gsseg.meshes.reconstruct import Reconstruction as Reconstruction
from gsseg.meshes.reconstruct import reconstruct as reconstruct
from gsseg.meshes.surface import Surface as Surface
from gsseg.meshes.write import write_surface as write_surface
