"""Binary quantization: long vectors in one bit a component, searched by counting bits."""
