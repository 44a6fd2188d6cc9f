"""Guides through many small decisions: one file each, and what they have in common in `guide.py`."""
