"""prepare_data, train_lora, inference_lora and evaluate, as the MusicGen LoRA guides name them."""
