"""From Parquet to weights."""
