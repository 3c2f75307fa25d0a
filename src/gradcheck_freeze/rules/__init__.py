"""Judges a flow by a contract: `FlowGraph` + `Contract` → `Diagnosis`. One file per rule."""
