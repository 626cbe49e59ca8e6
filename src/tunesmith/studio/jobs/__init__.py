"""Jobs that outlive the page: each has a supervisor of its own, and its state is read from the locks that are held."""
