"""LoRA and full fine-tuning: attaching, saving and loading, in PEFT's own files."""
