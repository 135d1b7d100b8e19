"""AgentTuning: turn an open chat model into an agent, and prove it (arXiv 2310.12823)."""

__version__ = "0.1.0"
