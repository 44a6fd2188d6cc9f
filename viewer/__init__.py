"""The browser viewer, installed as `gsseg_viewer`: it may import gsseg, and nothing in gsseg imports it."""
