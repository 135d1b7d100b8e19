"""Question answering over a graph of triples, by seven tools: the engine of the Knowledge Graph environment."""
