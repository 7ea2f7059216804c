"""The values that cross a border, validated by pydantic; and those that the store and the steps exchange."""
