"""A run from the plan to the site, step by step. The one place where the floors meet."""
