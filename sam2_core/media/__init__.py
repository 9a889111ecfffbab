"""Files ⇄ frames ⇄ pixels. Frame k of a store, of the source and of every download is the same picture.

ingest.py     a file becomes a store          pictures.py, clips.py (probe.py, timing.py)
store.py      a store gives frames
limits.py     what a file may cost
ffmpeg.py     the process that decodes and encodes; atomic.py, progress.py: whole results, told about
"""

from sam2_core.media.info import MediaInfo
from sam2_core.media.ingest import ingest
from sam2_core.media.limits import Limits
from sam2_core.media.progress import Progress
from sam2_core.media.store import Store, open_store

__all__ = ["Limits", "MediaInfo", "Progress", "Store", "ingest", "open_store"]
