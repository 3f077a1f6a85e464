"""A run: what a report needs measured, step by step. The one place where the floors meet."""
