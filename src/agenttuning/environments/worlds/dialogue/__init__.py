"""General conversation with checkable answers: the topics, and how dialogues are made of them."""
