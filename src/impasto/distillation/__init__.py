"""A small encoder that sees like a big one, made by knowledge distillation."""
