"""Watches a running program as a guest and gives one value, a `Trace`. The only room that may import torch."""
