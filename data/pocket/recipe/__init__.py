"""The recipe of the pocket family: a world, what is written about it, and three models trained on that. Seeded."""
