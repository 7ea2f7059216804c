"""The documentation, and what makes the part of it that is generated. No part of the product."""
