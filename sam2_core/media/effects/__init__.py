"""Effects: pictures changed with the help of masks.

look.py          what is to be done, as plain data, with all knobs and their bounds
painter.py       does it to one picture, with the parts below
shapes.py        the objects' masks, fitted to the picture's size
edges.py         how much of each pixel is object: soft edges, and the objects' own colours there; matting.py: hair
cells.py         means over cells of known pixels: blurring and pixelating without colours from beyond an edge
backgrounds.py   what lies behind the objects; lettering.py: text there
marks.py         outlines, glow and overlays
erasing.py       what objects hide: from other frames (aligning.py), else from around them (filling.py)
"""
