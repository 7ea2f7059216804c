"""Small domain experts as LoRA adapters, a card each, and the script that makes them."""
