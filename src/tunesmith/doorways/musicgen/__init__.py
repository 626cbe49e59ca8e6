"""prepare_data, train_lora, inference_lora, evaluate and what goes with them, as the MusicGen LoRA guides name them."""
