"""vLLM in a process of its own, under its own Python: token ids go in; hidden states, or new ids, come out."""
