"""What leaves gsseg: splat files for other programs, and a report for people."""

from gsseg.export.ply import export_objects as export_objects
from gsseg.export.report import ReportData as ReportData
from gsseg.export.report import write_report as write_report
