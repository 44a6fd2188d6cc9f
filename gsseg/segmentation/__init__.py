"""The segmentation of a scene: object, codes and features of every Gaussian, and the table of objects."""

from gsseg.ids import NO_CODE as NO_CODE
from gsseg.ids import NO_OBJECT as NO_OBJECT
from gsseg.segmentation.pieces import Pieces as Pieces
from gsseg.segmentation.segmentation import Segmentation as Segmentation
from gsseg.segmentation.segmentation import SegmentationColumns as SegmentationColumns
from gsseg.segmentation.table import ObjectInfo as ObjectInfo
