"""Ids of objects and codes in memory, and the one of each that stands for none.

Both count from 0, so -1 is free. Files that hold codes in 16 bits write another number for none
(`gsseg.segmentation.codes_on_disk`); nothing but the readers and writers of those files knows it.
"""

NO_OBJECT = -1
"""The object id of a Gaussian that belongs to no object."""

NO_CODE = -1
"""The code of a Gaussian that has none, because no mask shows it."""
