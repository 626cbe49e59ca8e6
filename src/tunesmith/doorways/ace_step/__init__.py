"""convert2hf_dataset and trainer, as ACE-Step's own training guide names them."""
