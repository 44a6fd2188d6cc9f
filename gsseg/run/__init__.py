"""A run: what training leaves behind, where it is kept, and how it is opened again."""

from gsseg.run.edits import Edits as Edits
from gsseg.run.layout import RunLayout as RunLayout
from gsseg.run.marks import Marks as Marks
from gsseg.run.opened import FileStamps as FileStamps
from gsseg.run.opened import Run as Run
