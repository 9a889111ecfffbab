"""Copy-paste augmentation: labeled objects are cut out and pasted onto other pictures, whose labels are rewritten.

    cutouts         objects that can be cut out, drawn by class; turned, scaled and mirrored
    blending        the pixels of an object onto a picture: feathered or gradient edges, matched brightness
    copy_paste      where objects go, and what becomes of the labels that they cover
    sources         objects and backgrounds from data sets, annotation files and folders
    dataset_writer  the new pictures with labels of COCO, YOLO and Pascal VOC
    contact_sheet   the new pictures on one, with their labels drawn

`masklet augment` writes such pictures; `python -m sam2_core.training --augment copy-paste` makes them while it trains.
The method is that of Ghiasi et al. 2021, "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
Segmentation", with places that are chosen instead of random.
"""
