"""The rules of stage filter: each a small class that answers `Verdict(kept, reason)` to a trajectory."""
