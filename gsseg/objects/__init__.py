"""Codes to objects, by how the masks of all views put them together; and a ray to the object it hits."""
