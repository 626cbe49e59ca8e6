"""Small things that ship, so that everything can be tried offline: a model, example clips, a synthesiser."""
