"""Masks that nobody drew: scenes, composites and clips, made on the fly with NumPy and OpenCV and fixed by a seed.

    textures      surfaces: natural crops, noise, stripes, gradients
    shapes        silhouettes: blobs, polygons, limbs, letters, creatures
    material      drawn masks in memory, to be drawn from
    regions       sky, road, wall: regions that colour and texture show
    canvas        a picture under construction: layers hide what lies below, in the picture and in its masks
    pictures      still samples: real crops, composites of real cut-outs, scenes
    motion        smooth paths, cameras and deformations
    clips         clips of moving cut-outs with occlusion, leaving and coming back
    photometric   what cameras and codecs do to pixels

All functions take a `numpy.random.Generator`; pictures are RGB uint8, masks uint8 of zeros and ones.
"""
