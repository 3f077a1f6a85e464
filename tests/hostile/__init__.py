"""`make hostile`: malformed inputs to the command, and hostile texts on the pages. Tables of cases, a module a kind."""
