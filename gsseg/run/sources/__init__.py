"""Where a run comes from, and where edits of it go: a RUN folder, a scene.gsseg, a segmented.ply by itself, or memory.

    opened                      read                                   edits are written to
    RUN folder                  scene.gsseg where there is one, else   segmented.ply, objects.json, and scene.gsseg
                                segmented.ply, objects.json, features  where there is one
    scene.gsseg and its splats  scene.gsseg                            it, and segmented.ply where that is its splats
    segmented.ply by itself     its columns                            a RUN folder beside it, NAME_run
    training without a folder   memory (`gsseg.run.trained`)           nowhere

Beside what is written, viewer.json says what is hidden and deleted. All files of one saving are replaced together
(`gsseg.files.together`), what was there before goes to the subfolder earlier. Edits that are not saved yet are kept in
unsaved.json, likewise beside, and in judged.json what is locked and which borders a person has said to be right.
"""

from gsseg.run.sources.bare_splats import BareSplats as BareSplats
from gsseg.run.sources.compressed_file import CompressedFile as CompressedFile
from gsseg.run.sources.protocol import RunSource as RunSource
from gsseg.run.sources.run_folder import RunFolder as RunFolder
