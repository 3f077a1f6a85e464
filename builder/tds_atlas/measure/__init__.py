"""Floor 1: torch and transformers turn prompts into responses and scores. Never duckdb."""
