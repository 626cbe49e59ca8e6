"""How the pocket MusicGen was made."""
