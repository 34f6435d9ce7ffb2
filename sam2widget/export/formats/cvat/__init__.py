"""The XML files of CVAT.

"CVAT for images 1.1" is written; that, and the tracks of "CVAT for video 1.1", are read.
"""

from ...registry import Format
from .reader import read_cvat
from .writer import write_cvat

FORMAT = Format(
    "cvat",
    ".xml",
    write_cvat,
    read_cvat,
    description='annotations.xml of "CVAT for images 1.1", brush masks, the object\'s id as '
    "group_id",
)
