"""What the browser talks to: the connection of a page, and addresses for files and pictures."""
