"""Who computes a model's numbers: one module for each engine, behind the same few words (engine.py)."""
