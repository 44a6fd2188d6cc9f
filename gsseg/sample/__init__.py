"""Sample scenes made on the spot by ray casting, with exact truth: furnished rooms and flats."""

from gsseg.sample.config import MaskNoise as MaskNoise
from gsseg.sample.config import RoomConfig as RoomConfig
from gsseg.sample.config import preset as preset
from gsseg.sample.scan_noise import ScanNoise as ScanNoise
from gsseg.sample.surfaces import room_surfaces as room_surfaces
from gsseg.sample.write import holds_room as holds_room
from gsseg.sample.write import write_room as write_room
