"""Who computes hidden states and logits: transformers, in this process."""
