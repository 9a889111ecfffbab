"""The page: layout, transport, visitors and the canvas. Knows engines only through their protocol."""
