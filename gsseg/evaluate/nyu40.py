"""NYU40: the classes of ScanNet's vertices, and the three sets of them on which methods are compared.

Silberman et al. 2012, as ``scannetv2-labels.combined.tsv`` numbers them. 0 is unlabelled.
"""

NYU40 = dict(
    enumerate(
        (
            "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture",
            "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes",
            "ceiling", "books", "refrigerator", "television", "paper", "towel", "shower curtain", "box", "whiteboard",
            "person", "nightstand", "toilet", "sink", "lamp", "bathtub", "bag", "other structure", "other furniture",
            "other prop",
        ),
        start=1,
    )
)  # fmt: skip
"""Id -> name."""

UNLABELLED = 0

CLASSES_19 = (*range(1, 13), 14, 16, 24, 28, 33, 34, 36)
CLASSES_15 = (*range(1, 11), 12, 14, 16, 33, 34)
CLASSES_10 = (1, 2, *range(4, 11), 33)

INSTANCE_CLASSES = (*range(3, 13), 14, 16, 24, 28, 33, 34, 36, 39)
"""Whose instances ScanNet's benchmark counts: the 19 less wall and floor, and other furniture."""
