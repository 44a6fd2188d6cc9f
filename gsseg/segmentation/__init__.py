"""The segmentation of a scene: object, codes and features of every Gaussian, and the table of objects."""

from gsseg.segmentation.segmentation import NO_CODE as NO_CODE
from gsseg.segmentation.segmentation import Segmentation as Segmentation
from gsseg.segmentation.table import NO_OBJECT as NO_OBJECT
from gsseg.segmentation.table import ObjectInfo as ObjectInfo
