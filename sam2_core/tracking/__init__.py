"""One session: prompts, masks and the memory of objects in an image, clip or album.

`session` is the entry point. Single-threaded and deterministic: nothing here depends on time.
"""
