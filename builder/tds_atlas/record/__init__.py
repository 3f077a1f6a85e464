"""The records floor: shards of finished work as Parquet files, then one DuckDB file. Never torch."""
