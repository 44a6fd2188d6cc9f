"""The benchmark suite behind `gsseg bench`: what W buys, measured beside what it replaces."""

from gsseg.bench.suite import Part as Part
from gsseg.bench.suite import run_bench as run_bench
from gsseg.bench.table import load_baseline as load_baseline
from gsseg.bench.table import table as table
