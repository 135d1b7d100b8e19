"""The fish battle of AgentBench's Digital Card Game: engine, opponents, expert, replay; no prompt in it."""
