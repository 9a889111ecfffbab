"""Text to boxes: objects that phrases name, found by open-vocabulary detectors of the transformers library.

detector.py         what a detector is (`Detector`) and finds (`Detection`)
known.py            the detectors that have a name here
phrases.py          a text becomes phrases
finding.py          detects as users ask for it
suppression.py      of overlapping boxes the best remains; association.py: which masks are of objects known already
loading.py          loads a detector by name or path
model_files.py      finds or downloads the files of a detector; transformers_library.py: imports the library, an extra
grounding_dino.py   Grounding DINO; queries.py: OWLv2 and others with a query for each phrase; sam3.py: SAM 3
pictures.py         images as the library takes them
clip.py             CLIP: embeddings of pictures and texts (research)
"""
