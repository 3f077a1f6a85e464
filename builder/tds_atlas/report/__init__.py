"""Floor 3: SQL over the database becomes figures and pages; MkDocs makes the site. Never torch."""
