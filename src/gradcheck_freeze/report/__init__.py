"""Renders a `Diagnosis`: one file per format, each pure and deterministic."""
