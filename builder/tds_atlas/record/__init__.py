"""Floor 2: shards of finished work as Parquet, then one DuckDB file. Never torch."""
