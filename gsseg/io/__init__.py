"""One file format a file: what gsseg reads and writes."""
