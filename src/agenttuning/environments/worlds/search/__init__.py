"""Text search that starts by itself: BM25 as Lucene computes it, without a JVM."""
