"""The studio: one local page over the run folder and the command line's own actions; it owns neither."""
