"""The command `tds`: a module for each group of verbs."""
