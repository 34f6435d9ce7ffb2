"""The XML files of CVAT.

"CVAT for images 1.1" and the tracks of "CVAT for video 1.1" are written and read.
"""

from ....registry import Format
from .reader import read_cvat
from .writer import write_cvat

FORMAT = Format(
    "cvat",
    ".xml",
    write_cvat,
    read_cvat,
    description='annotations.xml of "CVAT for images 1.1", brush masks, the object\'s id as '
    'group_id; or tracks of "CVAT for video 1.1"',
    options={"tracks": "True writes a track of polygons for each object, exact as well"},
)
