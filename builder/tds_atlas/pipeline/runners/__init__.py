"""Who runs the pieces of work: this process, a worker process on each device, or the actors of a Ray cluster."""
