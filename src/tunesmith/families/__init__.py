"""Model families: one folder each, all behind one contract."""
