"""scene.gsseg: objects, codes and features of every Gaussian in a few bytes; read with NumPy and safetensors alone."""

from gsseg.compressed.encode import compress as compress
from gsseg.compressed.encode import splats_digest as splats_digest
from gsseg.compressed.file import read_scene as read_scene
from gsseg.compressed.file import write_scene as write_scene
from gsseg.compressed.scene import CompressedScene as CompressedScene
