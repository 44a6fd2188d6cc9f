"""The browser viewer, installed as `gsseg_viewer`: it may import gsseg, and only `gsseg view` imports it."""
