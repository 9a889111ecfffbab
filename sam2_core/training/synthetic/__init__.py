"""Synthetic samples: crops, composites, drawn scenes and clips, made on the fly with NumPy and OpenCV from a seed.

    image_pool      annotated images in memory, and the sampling of them
    image_samples   samples of one image: crops of real images, composites of real cut-outs, scenes
    clip_samples    clips of moving cut-outs with occlusion, which leave the frame and come back
    canvas          an image in layers, which hide what lies below in the image and in its masks
    silhouettes     blobs, polygons, limbs, letters, creatures
    textures        surfaces: natural crops, noise, stripes, gradients
    regions         sky, road, wall: regions found by color and texture
    motion          smooth paths, cameras and deformations
    square_crop     crops at the input size of the network
    photometric     blur, color, noise and compression

All functions take a `numpy.random.Generator`; images are RGB uint8, masks uint8 of zeros and ones.
"""
