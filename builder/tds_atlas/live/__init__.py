"""The live page's server: a report's models behind a small local API, and the built site around it."""
