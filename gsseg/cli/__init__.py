"""The command line: parses, calls the library, talks. One file a command; nothing imports it."""

from gsseg.cli.main import main as main
