"""`python -m agenttuning` is the `agenttuning` command."""

from agenttuning.cli import main

raise SystemExit(main())
