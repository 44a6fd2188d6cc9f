"""Raw data sets become SCENE folders, one file a layout; each is written whole or not at all."""

from gsseg.prepare.lerf import prepare_lerf as prepare_lerf
from gsseg.prepare.lerf_mask import prepare_lerf_mask as prepare_lerf_mask
from gsseg.prepare.nerfstudio import prepare_nerfstudio as prepare_nerfstudio
from gsseg.prepare.new_scene import Prepared as Prepared
from gsseg.prepare.replica import prepare_replica as prepare_replica
from gsseg.prepare.scannet import ScanNetOptions as ScanNetOptions
from gsseg.prepare.scannet import prepare_scannet as prepare_scannet
