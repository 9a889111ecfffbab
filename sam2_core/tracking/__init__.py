"""One session: what is remembered of a clip, frame by frame. Single-threaded, no clocks."""
