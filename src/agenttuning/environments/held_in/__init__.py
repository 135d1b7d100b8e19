"""The six worlds of AgentInstruct: the paper trains on them."""
