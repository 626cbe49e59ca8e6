"""The page of a blind listening test: which outputs are heard against which, in which order, how loud."""
