"""What a key, an envelope and a signature are: the offline knowledge of the cipher bureau."""
