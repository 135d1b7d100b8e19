"""Reasoning without observation: plans, the calls that they make, tools, questions and their judges."""
