"""Files: refuse what cannot be read before any reader meets it; write whole files, or several together, or none."""

from gsseg.files.reading import UnreadableError as UnreadableError
from gsseg.files.reading import all_below as all_below
from gsseg.files.reading import check_readable as check_readable
from gsseg.files.reading import entries as entries
from gsseg.files.reading import reading as reading
from gsseg.files.whole import whole_file as whole_file
