"""Doors from other tools: each module here needs the tool it is named after, and is imported only by who uses that."""
