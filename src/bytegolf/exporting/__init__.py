"""Model -> files of other tools: safetensors, and a folder that `transformers` loads."""
