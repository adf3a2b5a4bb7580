"""A ticket made ready for elsewhere: smaller networks, other formats, and whether they still say the same."""
