"""finetune_demo and the Python interface (tts, tokenizer, model_loader) of the Step-Audio-EditX fine-tuning guide."""
