"""Every parser with what nobody meant to send: it takes it, or refuses it with an error of ours. No server runs."""
