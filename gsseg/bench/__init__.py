"""The benchmark suite behind `gsseg bench`: what W buys, measured beside what it replaces."""

from gsseg.bench.results import Figure as Figure
from gsseg.bench.results import Part as Part
from gsseg.bench.results import Ratio as Ratio
from gsseg.bench.results import Result as Result
from gsseg.bench.suite import Group as Group
from gsseg.bench.suite import run_bench as run_bench
from gsseg.bench.table import load_baseline as load_baseline
from gsseg.bench.table import table as table
