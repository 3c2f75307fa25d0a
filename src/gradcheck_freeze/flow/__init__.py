"""Lays gradient edges over data edges and says what reaches what: `Trace` → `FlowGraph`."""
