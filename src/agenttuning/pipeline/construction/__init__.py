"""Where tasks come from beside a world's own split: text-to-SQL corpora, and a teacher's proposals (paper, 2.1)."""
