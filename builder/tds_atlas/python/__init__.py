"""What `import tds_atlas` gives: comparisons and their results as objects, for Python and notebooks."""
