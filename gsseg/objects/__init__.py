"""Codes to objects, by how the masks of all views put them together; and a ray to the object it hits."""

from gsseg.objects.table import NO_OBJECT as NO_OBJECT
from gsseg.objects.table import ObjectInfo as ObjectInfo
from gsseg.objects.table import Objects as Objects
