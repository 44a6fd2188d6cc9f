"""Language vectors of objects, made with CLIP from photos or from masks that have them, and objects found by words."""
