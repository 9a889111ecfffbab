"""Effects: images changed with the help of masks.

effect_stack.py     the effects to apply, as plain data, with all settings and their bounds
painter.py          applies them to one image, with the modules below
scaled_masks.py     the objects' masks, scaled to the image
matting.py          alpha mattes: feathered edges, and the objects' colors there; fine_mattes.py: hair
masked_pooling.py   means of known pixels over cells: blurring and pixelating without bleeding over edges
backgrounds.py      canvas and backgrounds; text_rendering.py: text on them
marks.py            outlines, glows and overlays
object_removal.py   removes objects: from other frames of a clip (alignment.py), else by inpainting
inpainting.py       fills holes: small ones from their rim, large ones by patch_match.py
"""
