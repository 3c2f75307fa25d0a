"""Says which parameters a training step really teaches, which it must not have touched, and which line is to blame."""
