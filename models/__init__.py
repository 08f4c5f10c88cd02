"""The papers' architectures in torch: attention, prompts, training, and weights compared with theory."""
