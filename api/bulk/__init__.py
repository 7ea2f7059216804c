"""Bulk submission as its caller sees it: sources read, sent in parts, watched, written out. HTTP only."""
