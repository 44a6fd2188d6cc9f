"""Files: refuse what cannot be read before any reader meets it; write whole files, or several together, or none."""

from gsseg.files.whole import check_readable as check_readable
from gsseg.files.whole import whole_file as whole_file
