"""Masks that other tools wrote, one format a file: `gsseg.masks.foreign.formats` is the table."""
