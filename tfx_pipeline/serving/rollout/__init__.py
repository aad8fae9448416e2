"""Labels, canary shares and the model server's configuration."""
