# feature: CUDA graphs
# group: Not tested
# level: not tested
# known: Not tested: no GPU was there. A step that is replayed makes no call that could be seen.

