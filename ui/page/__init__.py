"""What the browser talks to: the connection of a page, its routes, uploads, imports and previews."""
