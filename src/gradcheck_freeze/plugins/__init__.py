"""Doors for the tools that other people train and test with."""
