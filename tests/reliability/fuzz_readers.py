"""Every reader of the fuzzer."""

from tests.reliability import fuzz_models, fuzz_runs, fuzz_scenes, fuzz_splats
from tests.reliability.fuzz_prepare import PREPARE_ROWS
from tests.reliability.fuzz_reader import Reader
from tests.reliability.fuzz_training import damage_training, train_and_look

READERS: tuple[Reader, ...] = (
    *fuzz_splats.READERS,
    *fuzz_scenes.READERS,
    *fuzz_runs.READERS,
    *fuzz_models.READERS,
    *(Reader(name, damage, read) for name, damage, read in PREPARE_ROWS),
    Reader("training", damage_training, train_and_look, share=0.05),
)
