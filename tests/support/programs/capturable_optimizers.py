# feature: capturable optimizers
# group: Not tested
# level: not tested
# known: Not tested: torch refuses them on CPU.

