"""The measuring floor: torch and transformers turn prompts into responses, scores and probes. Never duckdb."""
