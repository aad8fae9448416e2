"""ExportCheck: loads the model as TensorFlow Serving does and compares its answers.

- `component`, `executor`: the component; runs all checks and blesses.
- `adversarial_rows`: the rows to send, real and unusual.
- `signature_client`, `input_encoders`: sending rows to every signature.
- `checks`: rules for the answers.
- `reference`: the same rows through Python, through Transform and Keras; warm-up requests.
"""
