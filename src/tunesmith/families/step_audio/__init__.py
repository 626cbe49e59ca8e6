"""Step-Audio-EditX: a speech LLM over dual-codebook audio tokens, and a flow decoder that turns them into sound."""
