"""A page for each answer in each comparison: text for readers, numbers for the page's scripts."""
