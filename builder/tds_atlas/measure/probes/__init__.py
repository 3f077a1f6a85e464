"""What is measured by letting the models continue a text: token swap, prefilled answers, continuations."""
