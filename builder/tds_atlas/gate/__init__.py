"""Two reports beside each other: what changed more in the second, and whether that is more than is tolerated."""
