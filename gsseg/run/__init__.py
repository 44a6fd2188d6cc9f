"""A run: what training left behind."""

from gsseg.run.opened import COMPRESSED as COMPRESSED
from gsseg.run.opened import FEATURE_COLUMNS as FEATURE_COLUMNS
from gsseg.run.opened import OBJECTS as OBJECTS
from gsseg.run.opened import SEGMENTED as SEGMENTED
from gsseg.run.opened import Run as Run
