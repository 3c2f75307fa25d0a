"""Puts a report under a pull or merge request: the only room that talks to a network."""
