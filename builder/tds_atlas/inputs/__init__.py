"""What a report names, read and checked: its file, prompts, answers, checkpoints, roles. No torch, no duckdb."""
