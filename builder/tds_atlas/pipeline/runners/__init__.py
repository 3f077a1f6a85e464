"""Who runs the pieces of work: this process, or a worker process on each device."""
